import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import { stateCode, verificationCode } from '../codes.ts';
import { encodePlace } from '../place-code.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import type { SoftStores } from './soft-stores.ts';

/** A row of `replica`. */
export type ReplicaRow = readonly [
  object: number,
  store: number,
  version: number,
  state: number,
  verification: number,
  place: string | null,
  token: string | null,
  unflushed: number | null,
];

const columns = {
  object: 'int',
  store: 'int',
  version: 'int',
  state: 'int',
  verification: 'int',
  place: 'text',
  token: 'text',
  unflushed: 'int',
} as const;

const insertNew: SetStatement = {
  insertsOnly: true,
  columns,
  text: (rows) =>
    `insert into replica (object, store, version, state, verification, place, token, unflushed)
     select r.object, r.store, r.version, r.state, r.verification, r.place, r.token, r.unflushed from ${rows}`,
};

const upsert: SetStatement = {
  columns,
  text: (rows) =>
    `insert into replica (object, store, version, state, verification, place, token, unflushed)
     select r.object, r.store, r.version, r.state, r.verification, r.place, r.token, r.unflushed from ${rows}
     where exists (select 1 from version v where v.id = r.version and v.object = r.object)
     on conflict (object, store, version) do update set
       state = excluded.state, verification = excluded.verification, place = excluded.place, token = excluded.token,
       unflushed = excluded.unflushed`,
};

const updateIfToken: SetStatement = {
  columns: { ...columns, if_token: 'text' },
  text: (rows) =>
    `update replica set state = r.state, verification = r.verification, place = r.place, token = r.token,
       unflushed = r.unflushed
     from ${rows} where replica.object = r.object and replica.store = r.store and replica.version = r.version
       and replica.token = r.if_token`,
};

const drop: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `delete from replica where (object, store, version) in (select r.object, r.store, r.version from ${rows})`,
};

const dropIfToken: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int', if_token: 'text' },
  text: (rows) =>
    `delete from replica where (object, store, version, token) in
       (select r.object, r.store, r.version, r.if_token from ${rows})`,
};

/** Where nothing is left to delete, nobody needs to be sent; who was sent already finds the lease gone, and nothing to do. */
const unqueueDelete: SetStatement = {
  columns: { store: 'int', version: 'int' },
  text: (rows) =>
    `delete from request where kind = 'delete' and (version, store) in (select r.version, r.store from ${rows})
       and not exists (select 1 from version v join replica p on p.object = v.object and p.version = v.id
         where v.id = request.version and p.store = request.store)`,
};

/** Replicas of versions made in this transaction: nobody else can have recorded any. */
export async function insertReplicas(session: Session, rows: readonly ReplicaRow[]): Promise<void> {
  await session.run(insertNew, rows);
}

/** The row becomes this, made if absent; nothing happens where the version is not (or no longer) the object's. */
export async function upsertReplicas(session: Session, rows: readonly ReplicaRow[]): Promise<void> {
  await session.run(upsert, rows);
}

/** Only rows that have this token. */
export async function updateReplicas(
  session: Session,
  rows: readonly (readonly [...ReplicaRow, ifToken: string])[],
): Promise<void> {
  await session.run(updateIfToken, rows);
}

/** Rows go; those with a token given only where it is theirs. A delete that was queued for one of them goes with it. */
export async function dropReplicas(
  session: Session,
  rows: readonly (readonly [object: number, store: number, version: number, ifToken: string | undefined])[],
): Promise<void> {
  const plain: SqlValue[][] = [];
  const guarded: SqlValue[][] = [];
  for (const [object, store, version, ifToken] of rows) {
    if (ifToken === undefined) plain.push([object, store, version]);
    else guarded.push([object, store, version, ifToken]);
  }
  await session.run(drop, plain);
  await session.run(dropIfToken, guarded);
  await session.run(
    unqueueDelete,
    rows.map(([, store, version]) => [store, version]),
  );
}

/** A replica as columns. Only an available copy can be a soft one. */
export function encodeReplica(
  replica: Pick<Replica, 'state' | 'verification' | 'place' | 'token'>,
  at: ObjectName & { readonly object: number; readonly store: number; readonly version: number },
  soft: SoftStores,
): ReplicaRow {
  return [
    at.object,
    at.store,
    at.version,
    stateCode(replica.state),
    verificationCode(replica.verification),
    encodePlace(at, replica.place),
    replica.token ?? null,
    replica.state === 'AVAILABLE' ? (soft.get(at.store) ?? null) : null,
  ];
}
