import { formatObjectName } from '../../domain/object/object-name.ts';
import type { ObjectFacts } from '../../domain/placement/placement-facts.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleObject } from '../../ports/rules.ts';
import { isGoodReplica } from '../stores/good-replica.ts';
import { namesOf, type Stores } from '../stores/store-access.ts';

/** One object of a rule as placement sees it: stores by their names; one that is none any more by its place. */
export function factsOfObject(object: RuleObject, dataset: ObjectName | undefined, stores: Stores): ObjectFacts {
  const nameAt = (place: string): string => stores.get(place)?.name ?? place;
  const authority = object.authority === undefined ? undefined : stores.get(object.authority);
  return {
    object: formatObjectName(object),
    scope: object.scope,
    dataset: dataset === undefined ? undefined : formatObjectName(dataset),
    bytes: object.bytes,
    format: object.format,
    authoritative: authority === undefined ? undefined : namesOf(authority),
    replicas: object.replicas.map((replica) => ({
      store: nameAt(replica.store),
      state: replica.state,
      isGood: isGoodReplica(replica, stores),
    })),
    locks: object.locks.map(({ store, state }) => ({ store: nameAt(store), isStuck: state === 'STUCK' })),
  };
}
