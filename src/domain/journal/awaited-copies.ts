/** How a peer stands to a write that waits for its copy. */
export interface PeerStanding {
  readonly name: string;
  /** What its queue says of the write: nothing waits there; it is on its way; the peer has refused it, or it was given up. */
  readonly queue: 'nothing' | 'waits' | 'refused';
  /** It is parked, or its queue is given up: it is not known when it will be there. */
  readonly isAway: boolean;
  /** All that is known to be written here was queued for it, or compared with what it has: so what is not in its queue it has. */
  readonly isSettled: boolean;
}

/**
 * - `held`: as many peers as are to have the bytes have them. `pending`: they may have them in a moment.
 * - `later`: without a peer that is away there are too few. `refused`: some have refused it, and without them there are too few.
 */
export type Awaited = { readonly kind: 'held' } | { readonly kind: Unheld; readonly peers: readonly string[] };
type Unheld = 'pending' | 'later' | 'refused';

/**
 * What a write that waits for peers is told (docs/sites.md, "Writes that wait"). `copies` undefined: all of them. `wasQueued`: this very
 * write was queued for the peer, and nothing has left its queue since but what it acknowledged.
 */
export function judgeAwaited(
  peers: readonly PeerStanding[],
  copies: number | undefined,
  wasQueued: (peer: string) => boolean,
): Awaited {
  const needed = Math.min(copies ?? peers.length, peers.length);
  const lacking: { readonly [kind in Unheld]: string[] } = { pending: [], later: [], refused: [] };
  let held = 0;
  for (const peer of peers) {
    if (peer.queue === 'refused') lacking.refused.push(peer.name);
    else if (peer.queue === 'nothing' && (peer.isSettled || wasQueued(peer.name))) held++;
    else lacking[peer.isAway ? 'later' : 'pending'].push(peer.name);
  }
  if (held >= needed) return { kind: 'held' };
  const { pending, later, refused } = lacking;
  if (held + pending.length >= needed) return { kind: 'pending', peers: pending };
  if (held + pending.length + later.length >= needed) return { kind: 'later', peers: later };
  return { kind: 'refused', peers: refused };
}
