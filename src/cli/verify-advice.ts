import type { VerifiedTrees } from '../client/verify-trees.ts';
import type { Configuration } from '../config/configuration.ts';
import { escapeKey } from '../domain/object/key.ts';
import { adviseOnFailures } from './failure-advice.ts';

/** What to do about what a verification found and did not mend, a line each. */
export function adviseOnVerified(result: VerifiedTrees, profiles: Configuration['profiles']): string[] {
  const { repair, source, targets, findings, unrepaired, heldBack } = result;
  const advice: string[] = [...adviseOnFailures((repair?.failures ?? []).map(({ kind }) => kind))];
  if (source.missing + source.corrupt > 0) return [...advice, ...adviseOnSource(result, profiles)];
  if (targets.some(({ gaveUp }) => gaveUp !== undefined))
    advice.push(
      'Of a target that cannot be read nothing is concluded: bring it back, or mount it; if it is gone for good, pando sync makes it anew.',
    );
  if ([source, ...targets].some(({ unreadable, gaveUp }) => unreadable > 0 && gaveUp === undefined))
    advice.push(
      'What cannot be read cannot be judged: see to it that it can be, or leave it out with --exclude.',
      ...adviseOnFailures(findings.flatMap(({ cause }) => cause ?? [])),
    );
  const isMendable = targets.some(({ missing, stale, corrupt }) => missing + stale + corrupt > 0);
  if (hasOtherForDirectory(findings))
    advice.push(
      'A target has something else where the source has directories: if these are links of a sync with --symlinks preserve, say that again.',
    );
  if (repair === undefined && isMendable) advice.push('Mend it with --repair.');
  if (advice.length > 0 || unrepaired === heldBack) return advice;
  return ['Not everything could be mended; run it again.'];
}

/** What is missing lies below a name that only the target has: a link or a file is in its way. */
function hasOtherForDirectory(findings: VerifiedTrees['findings']): boolean {
  const at = (kind: string) => findings.filter((one) => one.kind === kind);
  const extra = new Set(at('extra').map(({ target, name }) => `${target} ${name}`));
  return at('missing').some(({ target, name }) => {
    for (let end = name.indexOf('/'); end >= 0; end = name.indexOf('/', end + 1))
      if (extra.has(`${target} ${name.slice(0, end)}`)) return true;
    return false;
  });
}

/**
 * A replica's copy is read by the source's own name: a read finds it. Read as an object of the replica's profile it would be known as
 * one of that from then on.
 */
function adviseOnSource({ source, findings }: VerifiedTrees, profiles: Configuration['profiles']): string[] {
  const advice = [
    'What is wrong at the source is not mended by itself: put the right bytes there, or delete the object with pando rm.',
  ];
  const lost = findings.filter(({ intactAt = [] }) => intactAt.length > 0);
  const replicas = new Set(profiles[source.title]?.replicas.map(({ profile }) => profile));
  const read = lost.filter(({ intactAt = [] }) => intactAt.some((title) => replicas.has(title)));
  const [first = lost[0]] = read;
  if (first === undefined) return advice;
  const title = read.length > 0 ? source.title : (first.intactAt?.[0] ?? '');
  const from = Object.hasOwn(profiles, title) ? `${title}:` : `${title.replace(/\/+$/, '')}/`;
  advice.push(`Where it is intact it can be read: pando get ${quote(`${from}${first.name}`)}`);
  if (read.length > 1)
    advice.push(
      `All of them: pando download ${quote(`${from}${directoryOf(read.map(({ name }) => name))}**`)} --to DIRECTORY`,
    );
  return advice;
}

/** That all names have in common; '' or ends with '/'. */
function directoryOf(names: readonly string[]): string {
  const [first = '', ...others] = names;
  let end = first.lastIndexOf('/') + 1;
  while (end > 0 && !others.every((name) => name.startsWith(first.slice(0, end))))
    end = first.lastIndexOf('/', end - 2) + 1;
  return first.slice(0, end);
}

/** As a shell takes it. */
function quote(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument;
  return `'${escapeKey(argument).replaceAll("'", "'\\''")}'`;
}
