import { type Compilable, type RawBuilder, sql } from 'kysely';
import { REPLICA_STATES, type ReplicaState } from '../../domain/replica/replica.ts';
import { CatalogError } from '../../ports/catalog.ts';
import type { ScanPage, ScanQuery } from '../../ports/catalog-scan.ts';
import type { Verification } from '../../domain/store/verification.ts';
import { TOMBSTONE, verificationName } from '../codes.ts';
import type { Session } from '../session.ts';
import { Purged } from '../sites/purged.ts';
import { recordedState } from '../softness.ts';

/** Rows of one page at most; a page is what crosses a thread at once. */
const PAGE_ROWS_MAX = 65_536;

/** Stores of one scan at most: each is a join, and SQLite knows 64 tables a statement. */
export const STORES_MAX = 32;

/** Columns before the replicas': name, version, kind, size, sha256. */
const OBJECT_COLUMNS = 5;
const KIND = 2;
/** Columns of each store: version, token, state, level of verification. */
const REPLICA_COLUMNS = 4;

/**
 * One page of a scope in byte order. The page's objects are found by one walk along the primary key; each store adds one
 * lookup a row. A store may hold two versions of an object: the rows that makes are folded into the newest.
 */
export async function scanScope(session: Session, query: ScanQuery): Promise<ScanPage> {
  if (!(query.limit > 0)) throw new CatalogError('failed', `a page has at least one row, not ${query.limit}`);
  if (query.stores.length > STORES_MAX) {
    throw new CatalogError('failed', `a scan tells of ${STORES_MAX} stores at most, not ${query.stores.length}`);
  }
  const { scopes, stores } = session.known;
  const scope = (await scopes.findId(session, query.scope)) ?? -1;
  const storeIds: number[] = [];
  for (const store of query.stores) storeIds.push((await stores.findId(session, store)) ?? -1);

  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  const isOpen = await hasOpenPurge(session, scope);
  const rows = await session.arrays<readonly unknown[]>(pageQuery(session, { query, scope, storeIds, limit, isOpen }));
  const told = isOpen ? await endPurged(session, scope, rows) : rows;
  const page = foldRows(told, {
    stores: storeIds.length,
    limit,
    details: query.details,
    levels: query.levels === true,
  });
  return isOpen && !query.deleted ? withoutTombstones(page) : page;
}

interface PageParts {
  readonly query: ScanQuery;
  readonly scope: number;
  readonly storeIds: readonly number[];
  readonly limit: number;
  /** The scope has objects that a purge has taken away and whose rows are there still. */
  readonly isOpen: boolean;
}

async function hasOpenPurge({ db }: Session, scope: number): Promise<boolean> {
  return (await db.selectFrom('purge_open').select('scope').where('scope', '=', scope).execute()).length > 0;
}

/** Rows of what purges have taken away become those of deleted objects. */
async function endPurged(
  session: Session,
  scope: number,
  rows: readonly (readonly unknown[])[],
): Promise<readonly (readonly unknown[])[]> {
  const purged = await Purged.read(session, [scope]);
  const told: (readonly unknown[])[] = [];
  for (const row of rows) {
    const [actor, counter] = row.slice(-2) as [number, number];
    told.push((await purged.has(scope, actor, counter)) ? row.with(KIND, TOMBSTONE) : row);
  }
  return told;
}

function withoutTombstones(page: ScanPage): ScanPage {
  const stay = <T>(column: readonly T[]): T[] => column.filter((_, at) => page.tombstones[at] !== true);
  const { names, versionIds, tombstones, sizes, sha256s, replicas, next } = page;
  return {
    names: stay(names),
    versionIds: stay(versionIds),
    tombstones: stay(tombstones),
    sizes: stay(sizes),
    sha256s: stay(sha256s),
    replicas: replicas.map((one) => ({
      versionIds: stay(one.versionIds),
      tokens: stay(one.tokens),
      states: stay(one.states),
      ...(one.verifications === undefined ? {} : { verifications: stay(one.verifications) }),
    })),
    next,
  };
}

function pageQuery(session: Session, parts: PageParts): Compilable {
  const { query, scope, storeIds, limit, isOpen } = parts;
  const { hex } = session.engine;
  const columns: RawBuilder<unknown>[] = [];
  const joins: RawBuilder<unknown>[] = [];
  for (const [index, id] of storeIds.entries()) {
    const p = `p${index}`;
    columns.push(
      sql.raw(
        `, ${p}.version, ${p}.token, ${recordedState(p, 'o.boot')}, ${query.levels === true ? `${p}.verification` : 'null'}`,
      ),
    );
    // Without a place: it lies under the object's name.
    joins.push(
      sql`left join replica as ${sql.raw(p)} on ${sql.raw(p)}.object = o.id and ${sql.raw(p)}.store = ${id}
        and ${sql.raw(p)}.place is null`,
    );
  }
  const end = prefixEnd(query.prefix);
  const details = query.details ? sql`, v.size, ${sql.raw(hex('v.sha256'))} as sha256` : sql``;
  const built = sql`
    select o.name, o.current, o.kind, ${query.details ? sql`o.size, o.sha256` : sql`null, null`} ${sql.join(columns, sql``)}
      ${isOpen ? sql`, o.actor, o.counter` : sql``}
    from (
      select object.name, object.id, object.current, object.kind, ${session.known.boot} as boot ${details}
        ${isOpen ? sql`, v.actor, v.counter` : sql``}
      from object ${query.details || isOpen ? sql`join version v on v.id = object.current` : sql``}
      where object.scope = ${scope}
        ${query.prefix === '' ? sql`` : sql`and object.name >= ${query.prefix}`}
        ${end === undefined ? sql`` : sql`and object.name < ${end}`}
        ${query.after === undefined ? sql`` : sql`and object.name > ${query.after}`}
        ${query.deleted ? sql`` : sql`and object.kind <> ${TOMBSTONE}`}
      order by object.name limit ${limit + 1}
    ) as o ${sql.join(joins, sql` `)}
    order by o.name`;
  return { compile: () => built.compile(session.db) };
}

/** The first text in byte order after all that begin with `prefix`; undefined where there is none. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    // Surrogates are no characters: after U+D7FF comes U+E000.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    if (next <= 0x10ffff) return String.fromCodePoint(...points, next);
  }
  return undefined;
}

interface Fold {
  readonly stores: number;
  readonly limit: number;
  readonly details: boolean;
  readonly levels: boolean;
}

function foldRows(rows: readonly (readonly unknown[])[], { stores, limit, details, levels }: Fold): ScanPage {
  const names: string[] = [];
  const versionIds: number[] = [];
  const tombstones: boolean[] = [];
  const sizes: number[] = [];
  const sha256s: (string | null)[] = [];
  const replicas = Array.from({ length: stores }, () => ({
    versionIds: [] as (number | null)[],
    tokens: [] as (string | null)[],
    states: [] as (ReplicaState | null)[],
    ...(levels ? { verifications: [] as (Verification | null)[] } : {}),
  }));
  let count = 0;
  let more = false;
  for (const row of rows) {
    const name = row[0] as string;
    const again = count > 0 && names[count - 1] === name;
    if (!again) {
      if (count === limit) {
        more = true;
        break;
      }
      count = names.push(name);
      versionIds.push(row[1] as number);
      tombstones.push(row[2] === TOMBSTONE);
      if (details) {
        sizes.push(row[3] as number);
        sha256s.push(row[4] as string | null);
      }
    }
    let column = OBJECT_COLUMNS;
    for (const replica of replicas) {
      const version = row[column] as number | null;
      if (!again || (version ?? 0) > (replica.versionIds[count - 1] ?? 0)) {
        replica.versionIds[count - 1] = version;
        replica.tokens[count - 1] = row[column + 1] as string | null;
        replica.states[count - 1] = version === null ? null : (REPLICA_STATES[row[column + 2] as number] ?? null);
        if (replica.verifications !== undefined)
          replica.verifications[count - 1] = version === null ? null : verificationName(row[column + 3] as number);
      }
      column += REPLICA_COLUMNS;
    }
  }
  return { names, versionIds, tombstones, sizes, sha256s, replicas, next: more ? names.at(-1) : undefined };
}
