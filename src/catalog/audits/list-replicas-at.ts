import { sql } from 'kysely';
import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { Verification } from '../../domain/store/verification.ts';
import type { AuditCatalog, ReplicaPage } from '../../ports/audits.ts';
import { stateName, verificationName } from '../codes.ts';
import { decodePlace } from '../place-code.ts';
import type { Session } from '../session.ts';
import { recordedState } from '../softness.ts';

/** Rows of one page at most; a page is what crosses a thread at once. */
const PAGE_MAX = 16_384;

type Row = readonly [
  object: number,
  version: number,
  state: number,
  verification: number,
  place: string | null,
  token: string | null,
  scope: number,
  name: string,
  current: number,
  size: number,
  sha256: string | null,
  modifiedNs: string | null,
];

/**
 * One walk along the primary key: rows of other stores are stepped over, so an audit of one store reads what is known of all. An index
 * for it would cost every copy as much as the row itself.
 */
export async function listReplicasAt(
  session: Session,
  store: string,
  query: Parameters<AuditCatalog['listReplicasAt']>[1],
): Promise<ReplicaPage> {
  const id = (await session.known.stores.findId(session, store)) ?? -1;
  const [object, version] = query.after === undefined ? [0, 0] : (JSON.parse(query.after) as [number, number]);
  const limit = Math.min(query.limit, PAGE_MAX);
  const { engine, known } = session;
  const built = sql`
    select p.object, p.version, ${sql.raw(recordedState('p', 'p.boot'))}, p.verification, p.place, p.token, o.scope, o.name,
      case when o.current = p.version then 1 else 0 end, v.size, ${sql.raw(engine.hex('v.sha256'))}, cast(v.modified_ns as text)
    from (select replica.*, cast(${known.boot} as text) as boot from replica
        where object >= ${object} and store = ${id} and (object > ${object} or version > ${version})
        order by object, version limit ${limit}) as p
      join object o on o.id = p.object join version v on v.id = p.version
    order by p.object, p.version`;
  const rows = await session.arrays<Row>({ compile: () => built.compile(session.db) });
  return toColumns(session, rows, limit);
}

async function toColumns(session: Session, rows: readonly Row[], limit: number): Promise<ReplicaPage> {
  const scopes: string[] = [];
  const states: ReplicaState[] = [];
  const verifications: Verification[] = [];
  const places: string[] = [];
  for (const [, , state, verification, place, , scopeId, name] of rows) {
    const scope = await session.known.scopes.textOf(session, scopeId);
    scopes.push(scope);
    states.push(stateName(state));
    verifications.push(verificationName(verification));
    places.push(decodePlace({ scope, name }, place));
  }
  const last = rows.at(-1);
  return {
    scopes,
    states,
    verifications,
    places,
    names: rows.map((row) => row[7]),
    versionIds: rows.map((row) => row[1]),
    current: rows.map((row) => row[8] === 1),
    tokens: rows.map((row) => row[5]),
    sizes: rows.map((row) => row[9]),
    sha256s: rows.map((row) => row[10]),
    modifiedNs: rows.map((row) => row[11]),
    next: last === undefined || rows.length < limit ? undefined : JSON.stringify([last[0], last[1]]),
  };
}
