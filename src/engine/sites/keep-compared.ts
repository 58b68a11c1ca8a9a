import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Telling } from '../../ports/telling.ts';
import { pause } from './pause.ts';
import { resync, type ResyncPorts } from './resync.ts';
import { RoomInQueue } from './room-in-queue.ts';

export interface KeepComparedPorts extends ResyncPorts {
  readonly catalog: ResyncPorts['catalog'] & Pick<Catalog, 'beginResync' | 'endResync' | 'countBacklog'>;
  readonly clock: Clock;
  readonly telling?: Telling | undefined;
}

export interface KeepCompared {
  readonly peer: string;
  /** More do not wait for the peer: a comparison makes its queue no longer than half of that. */
  readonly backlogEntriesMax: number;
  /** What another site was to tell the peer is looked for there after so long. */
  readonly forwardAfterMs: number;
  /** Fails where the peer is not any more what it was when it was said hello to. */
  readonly demandSame: () => Promise<void>;
  /** Something was queued. */
  readonly onDifferent: () => void;
}

/** Between two looks at whether there is anything to compare. */
const LOOK_MS = 1_000;
/** Entries in a queue, at most, for a comparison to add to it: enough to keep the peer busy, and counted in a moment. */
const COMPARED_ENTRIES_MAX = 100_000;
/** Comparing for what others were to tell a peer takes one part in so many of the time, at most. */
const COMPARED_SHARE = 50;

/** Compares a peer where it is to be compared, beside what is queued for it: that takes its time, and what is sent twice is known there. */
export async function keepCompared(
  { catalog, link, clock, telling }: KeepComparedPorts,
  { peer, backlogEntriesMax, forwardAfterMs, demandSame, onDifferent }: KeepCompared,
  signal: AbortSignal,
): Promise<void> {
  const entriesMax = Math.min(Math.ceil(backlogEntriesMax / 2), COMPARED_ENTRIES_MAX);
  const room = new RoomInQueue({ catalog, clock }, { peer, entriesMax, signal });
  let tookMs = 0;
  for (; !signal.aborted; await pause(clock, LOOK_MS, signal)) {
    await demandSame();
    const beganMs = clock.monotonicMs();
    const begun = await catalog.beginResync(peer, Math.max(forwardAfterMs, COMPARED_SHARE * tookMs));
    if (begun === undefined) continue;
    const asked = { peer, scopes: begun.scopes, signal, room: (objects: number) => room.take(objects) };
    const { compared, different } = await resync({ catalog, link }, asked);
    tookMs = Math.round(clock.monotonicMs() - beganMs);
    if (signal.aborted || !(await catalog.endResync(peer, begun))) continue;
    telling?.info?.('a peer was compared with this site', { peer, compared, different });
    if (different > 0) onDifferent();
  }
}
