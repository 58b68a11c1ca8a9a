import type { Catalog } from '../../ports/catalog.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { CarriedOut, OnCounted } from '../carry-out-requests.ts';
import type { DeleteReplicaPorts } from '../delete-replica.ts';
import { deleteReleased } from '../releases/delete-released.ts';
import { ReleaseLooks } from '../releases/release-looks.ts';
import { carryOutDeletes } from '../releases/carry-out-deletes.ts';
import { freeBytesOf } from '../releases/free-bytes.ts';
import { OpenQuestions } from '../stores/open-questions.ts';
import { StoreAbsences } from '../stores/store-absences.ts';
import { StoreReturns } from '../stores/store-returns.ts';
import { endAbandoned } from '../transfers/end-abandoned.ts';
import { besideEachOther } from '../../domain/beside-each-other.ts';
import { DueWaits } from '../due-waits.ts';
import { IdleRun, type OnAway } from '../idle-run.ts';
import { runTransfers, type TransferPorts } from '../transfers/run-transfers.ts';
import type { RulePorts } from './apply-rule.ts';
import { evaluateRules } from './evaluate-rules.ts';
import { FreedRoom } from './freed-room.ts';

/** What a worker needs to carry out rules. */
export type RuleWorkPorts = RulePorts &
  TransferPorts &
  DeleteReplicaPorts & { readonly catalog: Catalog & RuleCatalog };

export interface KeepRules {
  /** Printable: who claims. */
  readonly owner: string;
  /** `idle`: nothing is due now. A signal: until it is aborted. */
  readonly until: 'idle' | AbortSignal;
  readonly signal?: AbortSignal;
  /** Scopes of profiles: their deletes are somebody else's. */
  readonly exceptScopes: readonly string[];
  readonly onCounted?: OnCounted;
  /** Of a run until idle: what waits for a store that is away is left to a later one. */
  readonly onAway?: OnAway;
}

/** Stuck locks that are tried again in one transaction. */
const RETRIES = 1_000;
/** A worker without work, to which nobody tells of any, looks again after this. */
const POLL_MS = 1_000;

/**
 * Keeps the rules: applies them, copies, deletes what is released, tries again what is stuck. Any number of workers may do it at
 * once. Until idle it ends when a whole turn found nothing to do.
 */
export async function keepRules(ports: RuleWorkPorts, args: KeepRules): Promise<CarriedOut> {
  const { until } = args;
  if (until === 'idle') return keepInTurns(ports, args, (turn) => copyAll(ports, args, turn));
  // A large copy takes hours: rules, deletes and other copies do not wait for it.
  const stop = new AbortController();
  const either = AbortSignal.any([until, stop.signal]);
  const [kept, copied] = await besideEachOther(stop, [
    keepInTurns(ports, { ...args, until: either }, () => Promise.resolve(NOTHING)),
    runTransfers(ports, { owner: args.owner, until: either, onCounted: args.onCounted }),
  ]);
  return sum([kept, copied]);
}

const NOTHING: CarriedOut = { done: 0, moot: 0, postponed: 0, failed: 0 };

function copyAll(ports: RuleWorkPorts, { owner, onCounted }: KeepRules, turn: Turn): Promise<CarriedOut> {
  return runTransfers(ports, { owner, until: 'idle', ...turn, onCounted });
}

interface Turn {
  readonly signal: AbortSignal;
  readonly idle: IdleRun;
}

async function keepInTurns(
  ports: RuleWorkPorts,
  { owner, until, exceptScopes, signal: ended, onCounted, onAway }: KeepRules,
  copy: (turn: Turn) => Promise<CarriedOut>,
): Promise<CarriedOut> {
  const stop = until === 'idle' ? ended : until;
  const signal = stop ?? new AbortController().signal;
  let total = NOTHING;
  const whole = until === 'idle' ? new IdleRun(ports.clock, onAway) : undefined;
  const questions = new OpenQuestions();
  const absences = new StoreAbsences(ports, questions);
  const returns = new StoreReturns(ports, questions);
  const freed = new FreedRoom(ports);
  const looks = new ReleaseLooks(ports.clock);
  const unknown = new Set<string>();
  using waits = new DueWaits(ports.catalog, ports.clock);
  while (!signal.aborted) {
    // A worker that goes on tries what it put off in the turns to come; none of them waits for a store that is away.
    const idle = whole ?? new IdleRun(ports.clock);
    // Who works until idle, again and again, would look each time. Which stores are away he looks at once.
    const absent = await absences.look(signal);
    if (until !== 'idle') await returns.look(signal);
    const { applied, ended: rulesEnded } = await evaluateRules(ports, { owner, signal });
    const retried = await ports.catalog.retryStuck(RETRIES);
    const copied = await copy({ signal, idle });
    const condemned = await deleteReleased({ ...ports, looks, freeBytes: freeBytesOf }, signal);
    const abandoned = await endAbandoned(ports);
    const deleted = await carryOutDeletes(ports, { owner, exceptScopes, signal, idle, unknown, onCounted });
    await freed.tell(deleted.done + rulesEnded);
    total = sum([total, copied, deleted]);
    const evaluated = absent + applied + rulesEnded + retried + abandoned + condemned;
    const worked = evaluated + copied.done + copied.moot + copied.failed + deleted.done;
    if (worked > 0) waits.found();
    else if (until === 'idle') break;
    else await waits.wait(POLL_MS, stop);
  }
  return total;
}

function sum(counts: readonly CarriedOut[]): CarriedOut {
  const total = (kind: keyof CarriedOut): number => counts.reduce((before, one) => before + one[kind], 0);
  return { done: total('done'), moot: total('moot'), postponed: total('postponed'), failed: total('failed') };
}
