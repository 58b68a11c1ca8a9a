import type { SimulatedTimeline } from './simulated-timeline.ts';

/** When a process dies by itself: before its so manyth call of a port reaches the port, or when the answer is on its way. */
export interface Death {
  readonly atCall: number;
  readonly moment: 'before' | 'after';
}

export interface SimulatedProcessOptions {
  readonly timeline: SimulatedTimeline;
  /** How long a call takes on its way there, and again on its way back. */
  readonly latencyMs: () => number;
  /** Something of it may have changed the world. */
  readonly onCall?: () => void;
  readonly onDeath?: () => void;
}

/** Methods that answer at once. */
type Synchronous = readonly string[];

/**
 * A process that may die at any await: it sees the world through guarded ports only, and from its death on none of its calls reaches a
 * port, or is answered. What a call that had reached its port does is done.
 */
export class SimulatedProcess {
  death: Death | undefined;
  readonly #options: SimulatedProcessOptions;
  #isAlive = true;
  #calls = 0;

  constructor(options: SimulatedProcessOptions) {
    this.#options = options;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get calls(): number {
    return this.#calls;
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#options.onDeath?.();
  }

  /** The port as this process sees it. All its methods are asynchronous, but for those that are named. */
  guard<Port extends object>(port: Port, synchronous: Synchronous = []): Port {
    const methods = new Map<string | symbol, unknown>();
    return new Proxy(port, {
      get: (target, name) => {
        const known = methods.get(name);
        if (known !== undefined) return known;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as (...args: unknown[]) => unknown;
        const guarded =
          typeof name === 'symbol' || synchronous.includes(name)
            ? method
            : (...args: unknown[]) => this.#call(method, args);
        methods.set(name, guarded);
        return guarded;
      },
    });
  }

  async #call(method: (...args: unknown[]) => unknown, args: readonly unknown[]): Promise<unknown> {
    const call = ++this.#calls;
    await this.#pass(call, 'before');
    try {
      return await method(...args);
    } finally {
      this.#options.onCall?.();
      await this.#pass(call, 'after');
    }
  }

  async #pass(call: number, moment: Death['moment']): Promise<void> {
    if (this.#isAlive && this.death?.atCall === call && this.death.moment === moment) this.kill();
    const { timeline, latencyMs } = this.#options;
    const ms = this.#isAlive ? latencyMs() : 0;
    if (ms > 0) await timeline.sleep(ms);
    if (!this.#isAlive) await new Promise(() => {});
  }
}
