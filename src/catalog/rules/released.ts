import { type RawBuilder, sql } from 'kysely';
import type { ReleasedPosition, ReleasedRecord, ReplicaKey, RuleCatalog, SeenCopyFacts } from '../../ports/rules.ts';
import { RELEASED, stateName, TO_PURGE, verificationName } from '../codes.ts';
import { decodePlace } from '../place-code.ts';
import { keysOf } from '../record/find-objects.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { HAS_POLICY, IS_AUTHORITATIVE } from './authority.ts';
import { isSoft, toldState } from '../softness.ts';

/** Released replicas of one page at most. */
const PAGE_MAX = 10_000;

type ReleasedRow = readonly [
  object: number,
  version: number,
  placed: number,
  usedMs: number | null,
  scope: number,
  name: string,
  bytes: number,
  isSource: number,
  isAuthoritative: number,
  hasPolicy: number,
];

/** Those to go at once first, then those used longest ago. */
export async function listReleased(
  session: Session,
  store: string,
  { after = {}, limit }: Parameters<RuleCatalog['listReleased']>[1],
): Promise<readonly ReleasedRecord[]> {
  const id = await session.known.stores.findId(session, store);
  if (id === undefined) return [];
  const wanted = Math.min(limit, PAGE_MAX);
  const purged = await readReleased(session, id, { placed: TO_PURGE, after: after.purged, limit: wanted });
  const left = wanted - purged.length;
  const others = await readReleased(session, id, { placed: RELEASED, after: after.others, limit: left });
  return describe(session, store, [...purged, ...others]);
}

/** SQL expression: 1 where a request reads from the replica called `p`, also between two attempts. */
export const IS_SOURCE = `case when exists (select 1 from request q where q.version = p.version and q.source = p.store
  and q.state in ('QUEUED', 'SUBMITTED', 'WAITING')) then 1 else 0 end`;

async function readReleased(
  session: Session,
  store: number,
  { placed, after, limit }: { placed: number; after: ReleasedPosition | undefined; limit: number },
): Promise<readonly ReleasedRow[]> {
  if (limit <= 0) return [];
  const { lastUsedMs, objectId, versionId } = after ?? { lastUsedMs: -1, objectId: 0, versionId: 0 };
  const query: RawBuilder<unknown> = sql`
    select p.object, p.version, p.placed, p.used_ms, o.scope, o.name, v.size, ${sql.raw(IS_SOURCE)},
      ${sql.raw(IS_AUTHORITATIVE)}, ${sql.raw(HAS_POLICY)}
    from (select * from replica where store = ${store} and placed = ${sql.lit(placed)} and used_ms is not null
      and (used_ms, object, version) > (${lastUsedMs}, ${objectId}, ${versionId})
      order by used_ms, object, version limit ${limit}) as p
      join object o on o.id = p.object join version v on v.id = p.version
    order by p.used_ms, p.object, p.version`;
  return session.arrays<ReleasedRow>({ compile: () => query.compile(session.db) });
}

const copiesOf: SetStatement = {
  columns: { object: 'int', boot: 'text' },
  text: (rows) =>
    `select p.object, p.store, p.version, ${toldState('p', 'r.boot')}, p.verification, ${isSoft('p', 'r.boot')},
       case when o.current = p.version then 1 else 0 end, p.place, p.token
     from ${rows} join replica p on p.object = r.object join object o on o.id = p.object`,
};

/** One copy of an object, whatever its version. */
export interface SeenCopy {
  readonly object: number;
  readonly storeId: number;
  readonly version: number;
  readonly facts: SeenCopyFacts;
  /** As the catalog keeps it. */
  readonly place: string | null;
  readonly token: string | undefined;
}

type CopyRow = readonly [
  object: number,
  store: number,
  version: number,
  state: number,
  verification: number,
  soft: number,
  current: number,
  place: string | null,
  token: string | null,
];

export async function seeCopies(session: Session, objects: Iterable<number>): Promise<readonly SeenCopy[]> {
  const { stores, boot } = session.known;
  const rows = await session.all<CopyRow>(
    copiesOf,
    [...new Set(objects)].map((object) => [object, boot]),
  );
  const copies: SeenCopy[] = [];
  for (const [object, storeId, version, state, verification, soft, current, place, token] of rows) {
    const facts = {
      store: await stores.textOf(session, storeId),
      versionId: version,
      state: stateName(state),
      verification: verificationName(verification),
      isSoft: soft === 1,
      isCurrent: current === 1,
    };
    copies.push({ object, storeId, version, facts, place, token: token ?? undefined });
  }
  return copies;
}

async function describe(
  session: Session,
  store: string,
  rows: readonly ReleasedRow[],
): Promise<readonly ReleasedRecord[]> {
  const copies = Map.groupBy(
    await seeCopies(
      session,
      rows.map(([object]) => object),
    ),
    ({ object }) => object,
  );
  const records: ReleasedRecord[] = [];
  for (const [objectId, versionId, placed, usedMs, scope, name, bytes, isSource, ...authority] of rows) {
    const all = copies.get(objectId) ?? [];
    const own = all.find((copy) => copy.version === versionId && copy.facts.store === store);
    if (own === undefined) continue;
    const { state, verification, isSoft: soft, isCurrent } = own.facts;
    const object = { scope: await session.known.scopes.textOf(session, scope), name };
    records.push({
      scope: object.scope,
      name,
      versionId,
      store,
      objectId,
      bytes,
      lastUsedMs: usedMs ?? 0,
      purge: placed === TO_PURGE,
      isSourceInUse: isSource === 1,
      isCountedBesides: authority.every((one) => one === 1),
      state,
      verification,
      isSoft: soft,
      isCurrent,
      copies: all.map(({ facts, place, token }) => ({ ...facts, place: decodePlace(object, place), token })),
    });
  }
  return records;
}

const use: SetStatement = {
  columns: { scope: 'int', name: 'text', store: 'int', version: 'int' },
  text: (rows, { nowMs }) =>
    `update replica set used_ms = ${nowMs} from ${rows} join object o on o.scope = r.scope and o.name = r.name
     where replica.object = o.id and replica.store = r.store and replica.version = r.version
       and replica.placed = ${RELEASED}`,
};

export async function touch(session: Session, replicas: readonly ReplicaKey[]): Promise<void> {
  const keys = await keysOf(session, replicas);
  const rows: SqlValue[][] = [];
  for (const [at, { store, versionId }] of replicas.entries()) {
    const [scope, name] = keys[at] as [number, string];
    rows.push([scope, name, await session.known.stores.requireId(session, store), versionId]);
  }
  await session.run(use, rows);
}
