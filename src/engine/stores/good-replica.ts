import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import type { Stores } from './store-access.ts';

/** Whether a replica of an object's current version counts when others are to go (docs/states.md, "Good copies"). */
export function isGoodReplica(
  { store, state, verification, soft }: Pick<Replica, 'store' | 'state' | 'verification' | 'soft'>,
  stores: Stores,
): boolean {
  return isGoodCopy({
    state,
    verification,
    isSoft: soft === true,
    isCurrent: true,
    isInMemory: stores.get(store)?.isInMemory === true,
    sharesBytes: false,
    isCache: false,
  });
}
