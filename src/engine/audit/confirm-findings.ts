import { judgePlace, type PlaceRecord, type PlaceSeen, recordOfRow } from '../../domain/audit/judge-place.ts';
import type { AuditFinding, AuditLease, FindingKey } from '../../ports/audits.ts';
import type { Scratch } from '../../ports/scratch.ts';
import { StorageError } from '../../ports/storage.ts';
import { askStore } from '../ask-store.ts';
import { ProtectedNames } from '../sync/protected-names.ts';
import { AuditTakenOver } from './audit-taken-over.ts';
import type { AuditTally } from './audit-tally.ts';
import type { AuditedStore, AuditPorts } from './audit-types.ts';
import { CatalogSnapshot, PlaceCursor } from './catalog-snapshot.ts';
import { pagesOfFindings, showFinding } from './findings.ts';
import type { OtherStores } from './other-stores.ts';
import { describeUnknown, kindOfUnknown } from './unknown-files.ts';

export interface ConfirmFindings extends AuditedStore {
  readonly others: OtherStores;
  readonly lease: AuditLease;
  readonly scratch: Scratch;
  readonly tally: AuditTally;
  readonly signal: AbortSignal;
}

/** Names a listing could not show that are kept in mind; with more, nothing of it is taken for absent. */
const HIDDEN_MAX = 10_000;
/** Places asked for at once. */
const HEADS_AT_ONCE = 16;

/**
 * The third look: the catalog once more, and the store itself for each copy that seems lost. What has changed since is in flight and no
 * finding any more; what the store does not answer to is unreachable.
 */
export async function confirmFindings(ports: AuditPorts, args: ConfirmFindings): Promise<void> {
  const { access, lease, others, scratch, tally, signal } = args;
  tally.phase = 'confirming';
  tally.report();
  const hidden = await readHidden(ports, access.place);
  const snapshot = await CatalogSnapshot.take(ports.catalog, scratch, {
    store: access.place,
    pause: () => checkSignal(args),
  });
  tally.known = snapshot.known;
  const places = new PlaceCursor(snapshot.places(undefined));
  await places.advance();
  const written = await keysBeingWritten(ports, access.place);
  for await (const page of pagesOfFindings(ports.catalog, access.place)) {
    checkSignal(args);
    const looks: Look[] = [];
    const settled: FindingKey[] = [];
    const owners = await others.findOwners(page.filter(isUnknown).map(({ key }) => key));
    for (const finding of page) {
      if (finding.kind === 'hidden') continue;
      const row = await places.at(finding.key);
      const other = row === undefined && isUnknown(finding) ? owners.get(finding.key) : undefined;
      if (other !== undefined) {
        tally.leave(other);
        settled.push({ key: finding.key, kind: finding.kind });
        continue;
      }
      const after: PlaceRecord = row === undefined ? { kind: 'absent' } : recordOfRow(row);
      looks.push({ finding, after: written.has(finding.key) ? { kind: 'moving' } : after });
    }
    const found: AuditFinding[] = [];
    for (const judged of await inParts(looks, (look) => judge(ports, args, look, hidden))) {
      if (judged.now === judged.finding) tally.find(shown(judged.finding));
      else {
        settled.push({ key: judged.finding.key, kind: judged.finding.kind });
        if (judged.now === undefined) tally.inFlight++;
        else {
          found.push(judged.now);
          tally.find(shown(judged.now));
        }
      }
    }
    tally.report();
    if (settled.length + found.length === 0) continue;
    if (signal.aborted) checkSignal(args);
    if (!(await ports.catalog.saveAudit(lease, { counts: tally.keep(), settled, found }))) throw new AuditTakenOver();
  }
}

function isUnknown({ kind }: AuditFinding): boolean {
  return kind === 'dark' || kind === 'new';
}

interface Look {
  readonly finding: AuditFinding;
  readonly after: PlaceRecord;
}

interface Judged {
  readonly finding: AuditFinding;
  /** The finding as it stands now; undefined: it is none. */
  readonly now: AuditFinding | undefined;
}

async function judge(
  ports: AuditPorts,
  args: ConfirmFindings,
  { finding, after }: Look,
  hidden: ProtectedNames,
): Promise<Judged> {
  const { kind, claim, key } = finding;
  const before: PlaceRecord = claim === undefined ? { kind: 'absent' } : { kind: 'there', claim };
  const verdict = judgePlace({ before, seen: SEEN[kind], after });
  if (verdict === 'unreachable') return { finding, now: finding };
  if (verdict === 'dark') return { finding, now: unknownNow(args, finding) };
  if (verdict !== kind) return { finding, now: undefined };
  if (kind !== 'lost') return { finding, now: finding };
  const unreachable = (detail: string): Judged => ({ finding, now: { ...finding, kind: 'unreachable', detail } });
  if (hidden.covers(key)) return unreachable('the listing could not show everything there');
  const answer = await isGone(ports, args, key);
  if (answer === true) return { finding, now: finding };
  return answer === false ? { finding, now: undefined } : unreachable(answer.message);
}

/** Of an audit that was interrupted the store may have become a source meanwhile. */
function unknownNow({ access }: ConfirmFindings, finding: AuditFinding): AuditFinding {
  const kind = kindOfUnknown(access);
  return kind === finding.kind ? finding : { ...finding, kind, detail: describeUnknown(access) };
}

const SEEN: Readonly<Record<AuditFinding['kind'], PlaceSeen>> = {
  lost: { kind: 'absent' },
  dark: { kind: 'present', bytes: 'recorded' },
  new: { kind: 'present', bytes: 'recorded' },
  stale: { kind: 'present', bytes: 'other-version' },
  corrupt: { kind: 'present', bytes: 'wrong' },
  unreachable: { kind: 'unreachable' },
  hidden: { kind: 'unreachable' },
};

/** Whether the store says now that nothing is at the key; its failure, if it does not say. */
export async function isGone(
  ports: Pick<AuditPorts, 'clock' | 'health'>,
  { access, storage, signal }: AuditedStore & { readonly signal: AbortSignal },
  key: string,
): Promise<boolean | StorageError> {
  try {
    const { deadlineMs } = access;
    await askStore(ports, { storage, key, deadlineMs, signal }, (aborted) => storage.head(key, { signal: aborted }));
    return false;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.kind === 'not-found' ? true : error;
  }
}

async function readHidden({ catalog }: AuditPorts, store: string): Promise<ProtectedNames> {
  const hidden = new ProtectedNames();
  let count = 0;
  for await (const page of pagesOfFindings(catalog, store)) {
    for (const { kind, key } of page) if (kind === 'hidden') hidden.add(++count > HIDDEN_MAX ? '' : key);
  }
  return hidden;
}

/** Writes through Pando that are under way: their bytes may be there before their row is. */
async function keysBeingWritten({ catalog }: AuditPorts, store: string): Promise<ReadonlySet<string>> {
  const intents = await catalog.listIntents();
  return new Set(intents.filter((one) => one.store === store).map(({ key }) => key));
}

/** In order; a few at once. */
export async function inParts<Item, Outcome>(
  items: readonly Item[],
  act: (item: Item) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let from = 0; from < items.length; from += HEADS_AT_ONCE)
    outcomes.push(...(await Promise.all(items.slice(from, from + HEADS_AT_ONCE).map(act))));
  return outcomes;
}

function shown(finding: AuditFinding) {
  const told = showFinding(finding);
  if (told === undefined) throw new TypeError('what a listing hides is no finding of its own');
  return told;
}

function checkSignal({ signal, storage }: Pick<ConfirmFindings, 'signal' | 'storage'>): void {
  if (signal.aborted) throw new StorageError('aborted', { store: storage.name }, 'the audit was stopped');
}
