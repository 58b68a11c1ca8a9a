import { lockEventAfter } from '../../domain/rule/claim-replica.ts';
import { stateName } from '../codes.ts';

/** Whether a lock on a replica in this state is `OK`; undefined: there is none. */
export function isSatisfied(state: number | undefined): boolean {
  const name = state === undefined ? undefined : stateName(state);
  return lockEventAfter(undefined, name)?.kind === 'satisfied';
}
