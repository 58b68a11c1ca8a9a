import type { Catalog, Intent } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { Processes } from '../ports/processes.ts';
import { ObjectError } from './object-error.ts';
import type { ObjectScope } from './opened-scope.ts';
import { settleIntent, type SettlePorts } from './settle-intent.ts';

export interface LockPorts extends SettlePorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'record' | 'removeIntent' | 'addIntent'>;
  readonly clock: Clock;
  readonly processes: Processes;
}

/**
 * How long a writer waits for another one of the same object. An intent lives from the moment all bytes lie at the store to the
 * moment they are recorded: seconds, unless the store is slow to complete a large upload.
 */
const WAIT_MS_MAX = 60_000;
const POLL_MS_MIN = 20;
const POLL_MS_MAX = 1_000;

/**
 * Of a holder on another host nobody can say whether it lives. Its intent is taken for dead after many times what a publish may
 * take; should it wake up after all, its publish or its record is refused.
 */
const FOREIGN_INTENT_MS_MAX = 15 * 60_000;

/** Adds the intent, which is the object's write lock at that store; waits for another holder, and recovers for a dead one. */
export async function lockObject(
  ports: LockPorts,
  scope: ObjectScope,
  intent: Intent,
  signal?: AbortSignal,
): Promise<void> {
  const { catalog, clock } = ports;
  const startedMs = clock.monotonicMs();
  for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(pollMs * 2, POLL_MS_MAX)) {
    const added = await catalog.addIntent(intent);
    if (added === 'added') return;
    if ('elsewhere' in added) throw movedTo(intent, added.elsewhere);
    const { heldBy } = added;
    if (isAbandoned(ports, heldBy) && (await settleIntent(ports, scope, heldBy)).kind !== 'open') continue;
    if (clock.monotonicMs() - startedMs >= WAIT_MS_MAX) throw stillHeld(intent, heldBy);
    await clock.sleep(pollMs, signal);
  }
}

/** Its holder is dead, or was silent for longer than any write takes. */
export function isAbandoned(
  { clock, processes }: Pick<LockPorts, 'clock' | 'processes'>,
  { holder, createdMs }: Intent,
): boolean {
  if (processes.isDead(holder)) return true;
  return holder.host !== processes.self.host && clock.nowMs() - createdMs > FOREIGN_INTENT_MS_MAX;
}

function movedTo({ scope, name }: Intent, place: string): ObjectError {
  const why = `the source of ${scope} was moved to ${place} meanwhile: begin again with a configuration that says so`;
  return new ObjectError('unavailable', { scope, name }, why);
}

function stillHeld({ scope, name }: Intent, { holder }: Intent): ObjectError {
  return new ObjectError(
    'unavailable',
    { scope, name },
    `process ${holder.pid} on ${holder.host} has been writing it for ${WAIT_MS_MAX / 1000} s`,
  );
}
