import { contextAfter } from '../../domain/object/dot.ts';
import {
  CLOCK_DRIFT_MS_MAX,
  compareHybrid,
  type HybridTime,
  mergeHybrid,
  tickHybrid,
} from '../../domain/object/hybrid-clock.ts';
import type { Session, SetStatement } from '../session.ts';
import type { FoundObject } from './find-objects.ts';

/** What makes a version of a change: its dot, what its writer had seen, and its time. */
export interface Given {
  readonly slot: number;
  readonly actor: number;
  readonly counter: number;
  readonly context: string | null;
  readonly time: HybridTime;
}

const keepClock: SetStatement = {
  columns: { number: 'int', ms: 'int', n: 'int' },
  text: (rows) => `update slot set hybrid_ms = r.ms, hybrid_n = r.n from ${rows} where slot.number = r.number`,
};

const consider: SetStatement = {
  columns: { actor: 'int', counter: 'int' },
  text: (rows) =>
    `insert into considered (actor, counter) select r.actor, r.counter from ${rows} where true
     on conflict (actor) do update set counter = excluded.counter`,
};

/**
 * Gives each version the next counter of this process's slot, and a time above the one it follows. `previous` holds the
 * version each follows. The slot's row stays locked until the transaction ends.
 */
export async function giveDots(
  session: Session,
  previous: readonly (FoundObject['current'] | undefined)[],
): Promise<Given[]> {
  const taken = await session.known.slot.takeCounters(session, previous.length);
  const { number: slot, actor } = taken.slot;
  const nowMs = Math.floor(session.known.clock.nowMs());
  const { times, clock } = giveTimes(
    { ms: taken.hybridMs, n: taken.hybridN },
    previous.map((version) => version?.time),
    nowMs,
  );
  await session.run(keepClock, [[slot, clock.ms, clock.n]]);
  await session.run(consider, [[actor, taken.first + previous.length - 1]]);
  return previous.map((version, index) => ({
    slot,
    actor,
    counter: taken.first + index,
    context: version === undefined ? null : JSON.stringify(contextAfter(version)),
    time: times[index] ?? clock,
  }));
}

/**
 * Times of versions that follow `previous`, in turn, and where the clock stands after. A version that follows one from a
 * clock far ahead gets a time above it, and the own clock stays where it is.
 */
export function giveTimes(
  last: HybridTime,
  previous: readonly (HybridTime | undefined)[],
  nowMs: number,
): { readonly times: readonly HybridTime[]; readonly clock: HybridTime } {
  let clock = last;
  const times = previous.map((before) => {
    if (before !== undefined && before.ms > nowMs + CLOCK_DRIFT_MS_MAX && compareHybrid(before, clock) > 0) {
      return { ms: before.ms, n: before.n + 1 };
    }
    clock = tickHybrid(before === undefined ? clock : mergeHybrid(clock, before, nowMs), nowMs);
    return clock;
  });
  return { times, clock };
}
