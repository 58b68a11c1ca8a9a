import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { Catalog, EventRecord } from '../../ports/catalog.ts';
import type { ExplainPorts } from './explain-ports.ts';

export interface OpenFindings {
  /** The events that told of them last, newest first. */
  readonly findings: readonly EventRecord[];
  /** There are more, or may be: the oldest were not looked at. */
  readonly hasMore: boolean;
}

type Ports = Pick<ExplainPorts, 'sourceOf'> & {
  readonly catalog: Pick<Catalog, 'listEvents' | 'readObject' | 'listStandingRules' | 'listLocks'>;
};

/** What was told of a copy and may be mended since. */
const FINDINGS: ReadonlySet<string> = new Set([
  'replica-found-changed',
  'replica-found-corrupt',
  'replica-found-doubtful',
  'replica-found-missing',
  'replica-declared-bad',
]);

const PAGE_ROWS = 1_000;
/** Copies looked at: each costs a look at its object. */
const LOOKED_MAX = 2_000;
const AT_ONCE = 20;
const LOCKS_MAX = 10_000;

/**
 * What was found wrong with copies and is so still, as far as the catalog knows. Events are never taken back: whether one still holds is
 * seen by the copy it was about.
 */
export async function findOpenFindings(ports: Ports, { limit }: { readonly limit: number }): Promise<OpenFindings> {
  const told = (await readTold(ports.catalog)).toReversed();
  const open: EventRecord[] = [];
  const lookedMax = Math.min(told.length, LOOKED_MAX);
  for (let from = 0; from < lookedMax && open.length <= limit; from += AT_ONCE) {
    const some = told.slice(from, from + AT_ONCE);
    const are = await Promise.all(some.map((one) => isStillSo(ports, one)));
    open.push(...some.filter((_, at) => are[at]));
  }
  return { findings: open.slice(0, limit), hasMore: open.length > limit || told.length > lookedMax };
}

interface Told extends EventRecord {
  readonly name: string;
  readonly store: string;
}

/** The last of each copy, oldest first. */
async function readTold(catalog: Ports['catalog']): Promise<Told[]> {
  const told = new Map<string, Told>();
  for (let after = 0; ; ) {
    const page = await catalog.listEvents({ after, limit: PAGE_ROWS });
    for (const event of page) {
      const { kind, scope, name, store } = event;
      if (name === undefined || store === undefined) continue;
      const copy = JSON.stringify([scope, name, store]);
      if (kind === 'replica-mended' || FINDINGS.has(kind)) told.delete(copy);
      if (FINDINGS.has(kind)) told.set(copy, { ...event, name, store });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return [...told.values()];
    after = last.id;
  }
}

const WRONG: ReadonlySet<ReplicaState> = new Set(['BAD', 'SUSPICIOUS']);
const THERE: ReadonlySet<ReplicaState> = new Set(['AVAILABLE', 'UNVERIFIED']);

async function isStillSo(ports: Ports, { kind, scope, name, store }: Told): Promise<boolean> {
  const row = await ports.catalog.readObject(scope, name);
  if (row === undefined || row.current.content.kind === 'tombstone') return false;
  const here = row.replicas.filter((one) => one.store === store && one.versionId === row.current.id);
  if (here.some(({ state }) => WRONG.has(state))) return true;
  if (kind !== 'replica-found-missing' || here.some(({ state }) => THERE.has(state))) return false;
  return isWantedAt(ports, { scope, name, store });
}

/** What nobody wants there any more is not missing. */
async function isWantedAt(
  { catalog, sourceOf }: Ports,
  { scope, name, store }: { readonly scope: string; readonly name: string; readonly store: string },
): Promise<boolean> {
  if (sourceOf(scope) === store) return true;
  if ((await catalog.listStandingRules(scope)).some((one) => one.store === store)) return true;
  const locks = await catalog.listLocks({ name: { scope, name }, limit: LOCKS_MAX });
  return locks.some((one) => one.store === store);
}
