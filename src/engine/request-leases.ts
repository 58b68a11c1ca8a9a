import type { Catalog, Lease } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';

/** Told until when (`Clock.monotonicMs`) all claims stand that are still held, and how urgent each request is by now. */
export type OnRenewed = (untilMs: number, priorities: ReadonlyMap<number, number>) => void;

/**
 * The claims a worker holds. They are renewed at a third of their time; the signal of one that was lost is aborted, and its
 * work stops at its next step.
 */
export class RequestLeases implements AsyncDisposable {
  readonly #catalog: Pick<Catalog, 'renewRequests'>;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #held = new Map<number, { readonly lease: Lease; readonly controller: AbortController }>();
  readonly #ended = new AbortController();
  readonly #stop: AbortSignal | undefined;
  readonly #onRenewed: OnRenewed | undefined;
  #renewing: Promise<void> | undefined;

  constructor(
    catalog: Pick<Catalog, 'renewRequests'>,
    clock: Clock,
    leaseMs: number,
    stop: AbortSignal | undefined,
    onRenewed?: OnRenewed,
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#stop = stop;
    this.#onRenewed = onRenewed;
    // One listener for all: a worker that goes on for months would gather one for each claim.
    stop?.addEventListener('abort', this.#abortAll);
  }

  readonly #abortAll = (): void => {
    for (const { controller } of this.#held.values()) controller.abort(this.#stop?.reason);
  };

  hold(lease: Lease): AbortSignal {
    const controller = new AbortController();
    if (this.#stop?.aborted === true) controller.abort(this.#stop.reason);
    this.#held.set(lease.requestId, { lease, controller });
    this.#renewing ??= this.#renewForEver();
    return controller.signal;
  }

  letGo({ requestId }: Lease): void {
    this.#held.delete(requestId);
  }

  /** Whether the claim still stands; if so, it does for its whole time again. */
  async renew(lease: Lease): Promise<boolean> {
    const [priority] = await this.#catalog.renewRequests([lease], this.#leaseMs);
    return priority !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.removeEventListener('abort', this.#abortAll);
    this.#ended.abort();
    await this.#renewing;
  }

  async #renewForEver(): Promise<void> {
    for (;;) {
      try {
        await this.#clock.sleep(this.#leaseMs / 3, this.#ended.signal);
      } catch {
        return;
      }
      await this.#renewAll().catch(() => undefined);
    }
  }

  /** A catalog that cannot be reached says nothing: the lease runs on, and is asked for again directly before publishing. */
  async #renewAll(): Promise<void> {
    const held = [...this.#held.values()];
    if (held.length === 0) return;
    const untilMs = this.#clock.monotonicMs() + this.#leaseMs;
    const standing = await this.#catalog.renewRequests(
      held.map(({ lease }) => lease),
      this.#leaseMs,
    );
    const priorities = new Map<number, number>();
    for (const [at, { lease, controller }] of held.entries()) {
      const priority = standing[at];
      if (priority === undefined) controller.abort();
      else priorities.set(lease.requestId, priority);
    }
    this.#onRenewed?.(untilMs, priorities);
  }
}
