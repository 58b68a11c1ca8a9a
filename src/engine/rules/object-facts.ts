import { formatObjectName } from '../../domain/object/object-name.ts';
import type { ObjectFacts } from '../../domain/placement/placement-facts.ts';
import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleObject } from '../../ports/rules.ts';
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
    replicas: object.replicas.map(({ store, state, verification, soft }) => ({
      store: nameAt(store),
      state,
      isGood: isGoodCopy({
        state,
        verification,
        isSoft: soft === true,
        isCurrent: true,
        isInMemory: stores.get(store)?.isInMemory === true,
        sharesBytes: false,
        isCache: false,
      }),
    })),
    locks: object.locks.map(({ store, state }) => ({ store: nameAt(store), isStuck: state === 'STUCK' })),
  };
}
