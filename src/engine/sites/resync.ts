import type { Catalog } from '../../ports/catalog.ts';
import { type Compared, type ComparePorts, compareSites, type Different } from './compare-sites.ts';

export interface ResyncPorts extends ComparePorts {
  readonly catalog: ComparePorts['catalog'] & Pick<Catalog, 'queueObjects' | 'queuePurges'>;
}

export interface Resync {
  readonly peer: string;
  /** Undefined: all that peers are told of. */
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** How many of so many objects may be queued now; 0 once the signal is aborted. Without it all may. */
  readonly room?: (objects: number) => Promise<number>;
}

/** So many objects are queued in one transaction. */
const QUEUED_AT_ONCE = 1_000;

/**
 * Finds what a peer has otherwise than this site (docs/sites.md, "Resync"), and queues it. What only the peer has is its own to tell. Fails
 * with a `PeerError`.
 */
export async function resync(
  { catalog, link }: ResyncPorts,
  { peer, scopes, signal, room }: Resync,
): Promise<Compared> {
  // Before the objects: what a purge covers is nobody's, and in no digest.
  await catalog.queuePurges(peer, scopes);
  const onDifferent = async (found: readonly Different[]): Promise<void> => {
    for (let from = 0; from < found.length; ) {
      const wanted = Math.min(found.length - from, QUEUED_AT_ONCE);
      const count = room === undefined ? wanted : await room(wanted);
      if (signal.aborted) return;
      const page = found.slice(from, from + count);
      const names = page.map(({ name }) => name);
      if (count > 0) await catalog.queueObjects(peer, page[0]?.scope ?? '', names);
      from += count;
    }
  };
  return compareSites({ catalog, link }, { scopes, signal, bothWays: false, onDifferent });
}
