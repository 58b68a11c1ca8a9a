import type { ClientSession } from './client-session.ts';

/**
 * Carries out queued copies and deletes beside the caller's work: once when a client opens (what others left behind), and again
 * whenever a verb caused more. It holds no timer and keeps no process alive; what it does not get to stays in the catalog.
 */
export class BackgroundRequests {
  readonly #session: ClientSession;
  readonly #stop = new AbortController();
  #seen = -1;
  #running: Promise<void> | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
  }

  /** Looks whether there is work, and begins it. Nobody waits, and nobody is told of failures: they are in the queue. */
  wake(): void {
    if (this.#stop.signal.aborted || this.#running !== undefined) return;
    if (this.#session.objects.requestCount === this.#seen) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** What was begun is done. */
  async finish(): Promise<void> {
    await this.#running;
  }

  /** No more is begun, and what is under way has been given back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { objects, scope, owner } = this.#session;
    const { signal } = this.#stop;
    while (!signal.aborted && objects.requestCount !== this.#seen) {
      this.#seen = objects.requestCount;
      try {
        await objects.settle();
        await objects.carryOut({ scopes: [scope], owner, until: 'idle', signal });
      } catch {
        return;
      }
    }
  }
}
