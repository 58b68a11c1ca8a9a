import type { ObjectName } from '../../domain/object/object-name.ts';
import { namesOfPath } from '../../domain/store/paths/names-of-path.ts';
import { settledToken } from '../../domain/transfer/settled-token.ts';
import type { AuditFinding, FoundCopy } from '../../ports/audits.ts';
import type { NewEvent } from '../../ports/catalog.ts';
import type { CopyPool, ReadOutcome } from '../../ports/copy-pool.ts';
import type { AuditedStore, AuditPorts } from './audit-types.ts';
import { OtherStores } from './other-stores.ts';
import { isObjectLost } from './lost-objects.ts';

/** What became of a dark file that was to be adopted; `no`: nobody's, and `failed`: it could not be read. */
export type DarkAdoption =
  | { readonly kind: 'adopted'; readonly object: ObjectName; readonly isNew: boolean }
  | { readonly kind: 'no' }
  | { readonly kind: 'failed'; readonly why: string };

type Read = Extract<ReadOutcome, { readonly kind: 'read' }>;

interface Known {
  readonly object: ObjectName;
  readonly isNew: boolean;
}

/**
 * Whose dark files are: each is read, and compared with the objects that may lie at its key or that its mark names. The right bytes
 * become a replica. A file that Pando wrote (by its mark), of an object that only the catalog has lost (by its key), is registered.
 */
export async function adoptDark(
  ports: AuditPorts,
  { access, storage, pool }: AuditedStore & { readonly pool: CopyPool },
  findings: readonly AuditFinding[],
): Promise<readonly DarkAdoption[]> {
  const begunMs = ports.clock.nowMs();
  const items = findings.map(({ key, token }) => ({ store: 0, key, token }));
  const reads = await pool.read({ items }, () => undefined);
  const byMark = await objectsByMark(ports, reads);
  const others = await OtherStores.find(ports, access);
  const owners = await others.findOwners(findings.map(({ key }) => key));
  const answers: DarkAdoption[] = [];
  for (const [at, finding] of findings.entries()) {
    const read = reads[at];
    if (read?.kind !== 'read') {
      answers.push({ kind: 'failed', why: read?.failure.message ?? 'it was not read' });
      continue;
    }
    if (owners.has(finding.key)) {
      answers.push({ kind: 'no' });
      continue;
    }
    const known =
      (await findObject(ports, access, { key: finding.key, read, byMark })) ??
      (await register(ports, access, finding.key, read));
    if (known === undefined) {
      answers.push({ kind: 'no' });
      continue;
    }
    const wasLost = !known.isNew && (await isObjectLost(ports.catalog, known.object));
    const { head, sha256 } = read;
    const copy: FoundCopy = {
      ...known.object,
      store: access.place,
      place: finding.key,
      token: settledToken(head.token, head.modifiedNs, begunMs),
      sha256,
      size: head.size,
      soft: storage.capabilities.soft,
    };
    const [adoption] = await ports.catalog.adoptCopies([copy], []);
    if (adoption !== 'adopted') {
      answers.push({ kind: 'no' });
      continue;
    }
    await ports.catalog.recordEvents(eventsOf({ copy, wasLost, isNew: known.isNew }));
    answers.push({ kind: 'adopted', ...known });
  }
  if (answers.some(({ kind }) => kind === 'adopted')) await ports.catalog.hasten({ fact: 'source-appeared' });
  return answers;
}

function eventsOf(adopted: {
  readonly copy: FoundCopy;
  readonly wasLost: boolean;
  readonly isNew: boolean;
}): NewEvent[] {
  const { scope, name, store, place } = adopted.copy;
  const told: NewEvent = {
    kind: 'replica-adopted',
    scope,
    name,
    store,
    detail: adopted.isNew ? `the object was registered by its copy at ${place}` : `its copy was found at ${place}`,
  };
  const back = { kind: 'object-found-again', scope, name, store, detail: 'it was lost, and a good copy was found' };
  return adopted.wasLost ? [told, back] : [told];
}

async function objectsByMark(
  { catalog }: AuditPorts,
  reads: readonly ReadOutcome[],
): Promise<ReadonlyMap<string, ObjectName>> {
  const operations = reads.flatMap((read) => (read.kind === 'read' ? (read.head.mark?.operation ?? []) : []));
  if (operations.length === 0) return new Map();
  const found = await catalog.findOperations([...new Set(operations)]);
  return new Map(found.map(({ operation, scope, name }) => [operation, { scope, name }]));
}

async function findObject(
  { catalog }: AuditPorts,
  access: AuditedStore['access'],
  dark: { readonly key: string; readonly read: Read; readonly byMark: ReadonlyMap<string, ObjectName> },
): Promise<Known | undefined> {
  const { sha256, head } = dark.read;
  const marked = head.mark === undefined ? undefined : dark.byMark.get(head.mark.operation);
  const candidates = [...(marked === undefined ? [] : [marked]), ...namesOfPath(dark.key, access.name)];
  for (const { scope, name } of candidates) {
    const content = (await catalog.readObject(scope, name))?.current.content;
    if (content?.kind === 'object' && content.sha256 === sha256 && content.size === head.size)
      return { object: { scope, name }, isNew: false };
  }
  return undefined;
}

/** An object that was deleted is known to the catalog, and stays deleted (I5). */
async function register(
  { catalog }: AuditPorts,
  { paths, name: plainScope }: AuditedStore['access'],
  key: string,
  { head, sha256 }: Read,
): Promise<Known | undefined> {
  const { mark, size, attributes } = head;
  if (mark?.sha256 !== sha256 || !paths.deterministic || attributes.link !== undefined) return undefined;
  const object = namesOfPath(key, plainScope).find((one) => {
    const outcome = paths.pathOf(one);
    return 'path' in outcome && outcome.path === key;
  });
  if (object === undefined || (await catalog.readObject(object.scope, object.name)) !== undefined) return undefined;
  const { scope, name } = object;
  await catalog.openScope({ name: scope, title: scope, source: undefined, replicas: [], standing: false });
  const { contentType, metadata, modifiedNs, mode } = attributes;
  const { changes } = await catalog.record({
    changes: [
      {
        scope,
        name,
        follows: undefined,
        heedsCollections: true,
        operation: mark.operation,
        replicas: [],
        content: {
          kind: 'object',
          size,
          sha256,
          ...(contentType === undefined ? {} : { contentType }),
          ...(metadata === undefined ? {} : { metadata }),
          ...(modifiedNs === undefined ? {} : { modifiedNs }),
          ...(mode === undefined ? {} : { mode }),
        },
      },
    ],
  });
  const kind = changes[0]?.kind;
  return kind === 'recorded' || kind === 'repeated' ? { object, isNew: true } : undefined;
}

/** Whether the catalog has, by now, a copy at this very place. */
export async function isKnownPlace(
  { catalog }: Pick<AuditPorts, 'catalog'>,
  access: AuditedStore['access'],
  key: string,
): Promise<boolean> {
  const [owners = []] = await catalog.readPlaces(access.place, [key]);
  return owners.length > 0;
}
