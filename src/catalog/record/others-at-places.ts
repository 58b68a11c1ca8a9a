import type { NewEvent, ReplicaChange } from '../../ports/catalog.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import type { PlaceChange } from '../../ports/places.ts';
import { decodeReplica, type ToldReplicaRow, recordedReplica } from '../replica-row.ts';
import type { Session, SetStatement } from '../session.ts';
import { keysOf } from './find-objects.ts';
import { findPlaceOwners } from './place-owners.ts';

/** What a batch means for copies of objects it does not name. */
export interface OthersAtPlaces {
  readonly replicas: readonly ReplicaChange[];
  readonly events: readonly NewEvent[];
}

interface Owner {
  readonly scope: string;
  readonly name: string;
  readonly store: number;
  readonly by: PlaceChange;
  /** What lies there *is* its object. */
  readonly isSource: boolean;
}

const find: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text', store: 'int', boot: 'text' },
  text: (rows) =>
    `select r.i, ${recordedReplica('p', 'r.boot')} from ${rows} join object o on o.scope = r.scope and o.name = r.name
       join replica p on p.object = o.id and p.store = r.store`,
};

/**
 * Places of one store may be called copies of several objects: two profiles that mirror into one directory. What one of them does there it
 * does to the copies of all. Each answer is guarded by the token it was found with, because its object is not locked yet.
 */
export async function findOthersAtPlaces(session: Session, changed: readonly PlaceChange[]): Promise<OthersAtPlaces> {
  if (changed.length === 0) return { replicas: [], events: [] };
  const owners = await findOwners(session, changed);
  const keys = await keysOf(session, owners);
  const rows = keys.map(([scope, name], at) => [at, scope, name, owners[at]?.store ?? 0, session.known.boot]);
  const replicas: ReplicaChange[] = [];
  const events: NewEvent[] = [];
  for (const [at, ...row] of await session.all<readonly [at: number, ...ToldReplicaRow]>(find, rows)) {
    const { scope, name, by, isSource } = owners[at] as Owner;
    const replica = await decodeReplica(session, { scope, name }, row);
    const to = replica.place === by.key ? becomeOf(replica, by, isSource) : undefined;
    if (to === undefined || replica.token === undefined) continue;
    const { store, versionId, token } = replica;
    replicas.push({ scope, name, versionId, store, to, ifToken: token });
    // What is synced to a source is what its own sync then finds there: a chain, and no news.
    if (isSource) continue;
    const kind = to === 'drop' ? 'replica-found-missing' : 'replica-found-changed';
    const done = by.became === 'gone' ? 'deleted it' : 'wrote something else there';
    events.push({ kind, scope, name, store, detail: `a sync of ${by.scope} ${done}` });
  }
  return { replicas, events };
}

async function findOwners(session: Session, changed: readonly PlaceChange[]): Promise<readonly Owner[]> {
  const stores = await session.known.stores.requireIds(
    session,
    changed.map(({ store }) => store),
  );
  const asked = changed.map(({ store, key }) => ({ store: stores.get(store) ?? 0, key }));
  const found = await findPlaceOwners(session, asked);
  const scopes = await session.db.selectFrom('scope').select(['name', 'source']).execute();
  const sources = new Map(scopes.map(({ name, source }) => [name, source]));
  return changed.flatMap((by, at) => {
    const store = asked[at]?.store ?? 0;
    return (found[at] ?? [])
      .filter(({ scope, name }) => scope !== by.scope || name !== by.key)
      .map(({ scope, name }) => ({
        scope,
        name,
        store,
        by,
        isSource: sources.get(scope) === store && name === by.key,
      }));
  });
}

/** Undefined: it stays as it is. What is gone from a source is decided upon by that source's own sync, which deletes the object with it. */
function becomeOf(
  replica: Replica,
  { became, token }: PlaceChange,
  isSource: boolean,
): ReplicaChange['to'] | undefined {
  if (became === 'gone' && !isSource && replica.token === token && replica.state !== 'COPYING') return 'drop';
  const isOther = became === 'gone' || replica.token !== token;
  const isServed = replica.state === 'AVAILABLE' || replica.state === 'UNVERIFIED';
  const { place, verification } = replica;
  return isOther && isServed ? { state: 'SUSPICIOUS', place, token: replica.token, verification } : undefined;
}
