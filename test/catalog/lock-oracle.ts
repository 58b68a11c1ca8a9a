import { expect } from 'vitest';
import { type Lock, type LockEvent, transitionLock } from '../../src/domain/rule/lock.ts';
import { type FactChange, isHelpedBy, type StuckReason } from '../../src/domain/rule/stuck-reason.ts';
import { hastenRetryMs } from '../../src/domain/rule/stuck-retry.ts';
import type { OpenedForRules } from './rules-opened.ts';

/** Locks of a scope as the database has them, by object, store and rule. */
type Locks = ReadonlyMap<string, { readonly lock: Lock; readonly store: string }>;

const CODES = ['OK', 'REPLICATING', 'STUCK'] as const;
/** Nobody tries it again by itself: its rule is suspended, or has ended. */
const RESTS = Number.MAX_SAFE_INTEGER;
/** Told to one lock by one call at most: its rule was resumed, its copy asked for anew, given up, and asked for sooner. */
const EVENTS_MAX = 3;

/**
 * Follows the locks of one scope by the table of docs/states.md ("Locks"): whatever a call did to a lock must be what some events of
 * the table do to it, with the time it was stuck added up and the time of its next try.
 */
export class LockOracle {
  readonly #opened: Pick<OpenedForRules, 'query' | 'nowMs'>;
  readonly #scope: string;
  #before: Locks = new Map();
  #fromMs = 0;

  constructor(opened: Pick<OpenedForRules, 'query' | 'nowMs'>, scope: string) {
    this.#opened = opened;
    this.#scope = scope;
  }

  /** Before each call. */
  async begin(): Promise<void> {
    this.#fromMs = await this.#opened.nowMs();
    this.#before = await this.#read();
  }

  /** After the call. */
  async check(): Promise<void> {
    const after = await this.#read();
    const toMs = await this.#opened.nowMs();
    for (const [key, { lock }] of after) {
      const before = this.#before.get(key)?.lock;
      const begun: readonly Lock[] =
        before === undefined ? CODES.slice(0, 2).map((state) => ({ state: state as 'OK', stuckMs: 0 })) : [before];
      const isExplained = begun.some((one) => leadsTo([one, one], lock, [this.#fromMs, toMs]));
      expect(isExplained, `lock ${key}: ${JSON.stringify(before)} became ${JSON.stringify(lock)}`).toBe(true);
    }
  }

  /** After a call that told of a fact, and did nothing else. */
  async checkHastened(fact: FactChange, at: string | undefined): Promise<void> {
    const after = await this.#read();
    const toMs = await this.#opened.nowMs();
    for (const [key, { lock, store }] of this.#before) {
      const now = after.get(key)?.lock;
      if (lock.state !== 'STUCK' || now?.state !== 'STUCK') continue;
      const isElsewhere = at !== undefined && at !== store && lock.reason.kind.startsWith('destination');
      const facts = { reason: lock.reason.kind, retryMs: lock.retryMs };
      const soon = (nowMs: number, fraction: number) =>
        isElsewhere || lock.retryMs === RESTS ? lock.retryMs : hastenRetryMs(facts, fact, { nowMs, fraction });
      const told = `lock ${key}, ${lock.reason.kind}, after ${fact}: ${isHelpedBy(lock.reason.kind, fact)}`;
      expect(now.retryMs, told).toBeGreaterThanOrEqual(soon(this.#fromMs, 0));
      expect(now.retryMs, told).toBeLessThanOrEqual(soon(toMs, 1));
    }
  }

  async #read(): Promise<Locks> {
    const rows = await this.#opened.query(`select l.object, l.store, l.rule, t.place, l.state, l.stuck_ms, l.since_ms,
        l.retry_ms, l.reason, l.detail from lock l join object o on o.id = l.object join store t on t.id = l.store
      where o.scope = (select id from scope where name = '${this.#scope}')`);
    return new Map(
      rows.map(([object, store, rule, place, ...lock]) => [
        `${String(object)} ${String(store)} ${String(rule)}`,
        { lock: decode(lock), store: String(place) },
      ]),
    );
  }
}

function decode([code, stuck, since, retry, kind, detail]: readonly unknown[]): Lock {
  const state = CODES[Number(code)] ?? 'OK';
  const stuckMs = Number(stuck);
  if (state !== 'STUCK') return { state, stuckMs };
  const reason: StuckReason = { kind: kind as StuckReason['kind'], detail: String(detail) };
  return { state, stuckMs, reason, sinceMs: Number(since), retryMs: retry === null ? RESTS : Number(retry) };
}

/** Whether some events lead there, told at some time of the call: the lock as it would be if told at its begin, and at its end. */
function leadsTo([early, late]: readonly [Lock, Lock], to: Lock, [fromMs, toMs]: Span, events = EVENTS_MAX): boolean {
  if (isBetween(early, to, late)) return true;
  if (events === 0) return false;
  return eventsFor(to).some((event) => {
    const [first, last] = [tell(early, event, fromMs), tell(late, event, toMs)];
    return first !== undefined && last !== undefined && leadsTo([first, last], to, [fromMs, toMs], events - 1);
  });
}

type Span = readonly [fromMs: number, toMs: number];

function isBetween(early: Lock, lock: Lock, late: Lock): boolean {
  const isTimely = early.stuckMs <= lock.stuckMs && lock.stuckMs <= late.stuckMs;
  if (lock.state !== 'STUCK') return early.state === lock.state && isTimely;
  if (early.state !== 'STUCK' || late.state !== 'STUCK' || !isTimely) return false;
  const isSince = early.sinceMs <= lock.sinceMs && lock.sinceMs <= late.sinceMs;
  const { kind, detail } = lock.reason;
  const isSame = early.reason.kind === kind && early.reason.detail === detail;
  return isSince && isSame && (early.retryMs === lock.retryMs || lock.retryMs === RESTS);
}

function eventsFor(to: Lock): readonly LockEvent[] {
  const plain = (['satisfied', 'replica-lost', 'version-superseded', 'retried'] as const).map((kind) => ({ kind }));
  if (to.state !== 'STUCK') return plain;
  const { reason, retryMs } = to;
  return [...plain, { kind: 'got-stuck', reason, retryMs }, { kind: 'hastened', retryMs }];
}

/** Undefined: nothing comes of it. */
function tell(lock: Lock, event: LockEvent, nowMs: number): Lock | undefined {
  const transition = transitionLock(lock, event, nowMs);
  return transition.kind === 'moved' ? transition.to : undefined;
}
