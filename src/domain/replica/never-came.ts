import type { Replica } from './replica.ts';

/** Its bytes are on their way, or were given up before any was known to be there. */
export function neverCame({ state, token }: Pick<Replica, 'state' | 'token'>): boolean {
  return state === 'COPYING' || (state === 'UNAVAILABLE' && token === undefined);
}
