import type { PeerDesk } from '../ports/peer-desk.ts';
import { type Batch, type Fetched, PeerError, type PeerLink, type SentAnswer } from '../ports/peer-link.ts';
import type { SimulatedRandom } from './simulated-random.ts';
import type { SimulatedTimeline } from './simulated-timeline.ts';

/** What a site answers its peers. It fails with a `PeerError`, or the simulation has found a defect. */
export type PeerHandler = Omit<PeerDesk, 'admit' | 'believe'>;

/** How likely it is that something goes wrong with one question, each from 0 to 1. */
export interface NetworkFaults {
  readonly delayMsMax: number;
  readonly loseQuestion: number;
  /** It was carried out, and nobody hears of it. */
  readonly loseAnswer: number;
  /** It arrives twice, the second time later. */
  readonly duplicate: number;
  /** One byte of one body is another. */
  readonly corrupt: number;
  /** 503. */
  readonly turnAway: number;
  /** Batches of more entries are refused as too large. */
  readonly entriesMax: number;
}

export const NO_NETWORK_FAULTS: NetworkFaults = {
  delayMsMax: 5,
  loseQuestion: 0,
  loseAnswer: 0,
  duplicate: 0,
  corrupt: 0,
  turnAway: 0,
  entriesMax: Number.POSITIVE_INFINITY,
};

/** Something that reached its receiver: a batch, or the bytes of a version that were fetched. */
export type Delivery = { readonly from: string; readonly to: string } & (
  | { readonly batch: Batch }
  | { readonly operation: string }
);

export interface SimulatedNetworkOptions {
  readonly timeline: SimulatedTimeline;
  readonly random: SimulatedRandom;
  readonly onDelivery?: (delivery: Delivery) => void;
  /** What a handler failed with that is no `PeerError`. */
  readonly onDefect: (error: unknown) => void;
}

/** Who asks gives up after so long. */
const PATIENCE_MS = 1_000;

/** The ways between sites. Questions overtake each other; each way in each direction may be cut. */
export class SimulatedNetwork {
  faults: NetworkFaults = NO_NETWORK_FAULTS;
  readonly #options: SimulatedNetworkOptions;
  readonly #handlers = new Map<string, PeerHandler>();
  readonly #cut = new Set<string>();
  #underWay = 0;

  constructor(options: SimulatedNetworkOptions) {
    this.#options = options;
  }

  /** Questions that may still arrive, late or for the second time. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Without a handler nobody is at home. */
  serve(site: string, handler: PeerHandler | undefined): void {
    if (handler === undefined) this.#handlers.delete(site);
    else this.#handlers.set(site, handler);
  }

  cut(from: string, to: string): void {
    this.#cut.add(way(from, to));
  }

  mend(from: string, to: string): void {
    this.#cut.delete(way(from, to));
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#cut.clear();
    this.faults = NO_NETWORK_FAULTS;
  }

  link(from: string, to: string): PeerLink {
    return {
      hello: (own, signal) => this.#ask({ from, to, signal }, (handler) => handler.hello(own)),
      send: (batch, signal) => this.#send({ from, to, signal }, batch),
      fetch: (wanted, signal) =>
        this.#ask({ from, to, signal }, async (handler, end) => {
          const { operation } = wanted;
          return this.#carryBytes({ from: to, to: from, operation }, await handler.open(wanted, end));
        }),
      tell: (told, signal) => this.#ask({ from, to, signal }, (handler) => handler.told(told)),
      raiseFloor: (floor, signal) => this.#ask({ from, to, signal }, (handler) => handler.raiseFloor(floor)),
      digests: (query, signal) => this.#ask({ from, to, signal }, (handler) => handler.digests(query)),
      listing: (query, signal) => this.#ask({ from, to, signal }, (handler) => handler.listing(query)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /** Whole, in halves, or broken off. */
  async #carryBytes(delivery: Delivery, fetched: Fetched): Promise<Fetched> {
    if (fetched.kind !== 'bytes') return fetched;
    const { random } = this.#options;
    const whole = await collect(fetched.body);
    if (random.chance(this.faults.corrupt)) flip(whole, random);
    const isWhole = !random.chance(this.faults.loseAnswer);
    if (isWhole) this.#options.onDelivery?.(delivery);
    const end = isWhole ? whole.length : random.below(whole.length + 1);
    return { kind: 'bytes', body: whole.subarray(0, end) };
  }

  #send(journey: Journey, batch: Batch): Promise<SentAnswer> {
    const { random } = this.#options;
    const { from, to } = journey;
    if (batch.entries.length > this.faults.entriesMax)
      return Promise.reject(new PeerError('refused', `413: more than ${this.faults.entriesMax} entries`));
    const carried = structuredClone(batch);
    if (random.chance(this.faults.corrupt)) corrupt(carried, random);
    return this.#ask(journey, (handler, end) => {
      this.#options.onDelivery?.({ from, to, batch: carried });
      return handler.receive(structuredClone(carried), end);
    });
  }

  #ask<Answer>(
    { from, to, signal }: Journey,
    carryOut: (handler: PeerHandler, signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const { timeline, random, onDefect } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const giveUp = (why: string): void => reject(new PeerError('unreachable', why));
    const stopWaiting = timeline.after(PATIENCE_MS, () => giveUp('no answer'));
    const abort = (): void => giveUp('aborted');
    signal.addEventListener('abort', abort, { once: true });
    const end = (): void => {
      stopWaiting();
      signal.removeEventListener('abort', abort);
    };
    promise.then(end, end);
    const { loseQuestion, loseAnswer, duplicate, turnAway } = this.faults;
    const isAnswerLost = random.chance(loseAnswer);
    const answer = (given: () => void): void => {
      if (!isAnswerLost && !this.#cut.has(way(to, from))) given();
    };
    const arrive = (): void => {
      this.#underWay--;
      const handler = this.#handlers.get(to);
      if (this.#cut.has(way(from, to))) return;
      if (handler === undefined) return answer(() => giveUp('nobody is there'));
      if (random.chance(turnAway)) return answer(() => reject(new PeerError('busy', '503', { afterMs: 100 })));
      const delayMs = this.#delayMs();
      carryOut(handler, new AbortController().signal).then(
        (value) => void timeline.after(delayMs, () => answer(() => resolve(structuredClone(value)))),
        (error: unknown) => {
          if (!(error instanceof PeerError)) onDefect(error);
          timeline.after(delayMs, () => answer(() => reject(error)));
        },
      );
    };
    const depart = (delayMs: number): void => {
      this.#underWay++;
      timeline.after(delayMs, arrive);
    };
    if (!random.chance(loseQuestion)) depart(this.#delayMs());
    if (random.chance(duplicate)) depart(this.#delayMs() + random.below(PATIENCE_MS));
    return promise;
  }

  #delayMs(): number {
    return this.#options.random.below(this.faults.delayMsMax + 1);
  }
}

interface Journey {
  readonly from: string;
  readonly to: string;
  readonly signal: AbortSignal;
}

function way(from: string, to: string): string {
  return `${from} → ${to}`;
}

function corrupt({ entries }: Batch, random: SimulatedRandom): void {
  const bodies = entries.flatMap(({ bytes }) => (bytes === undefined || bytes.length === 0 ? [] : [bytes]));
  if (bodies.length === 0) return;
  flip(random.pick(bodies), random);
}

function flip(body: Uint8Array, random: SimulatedRandom): void {
  if (body.length === 0) return;
  const at = random.below(body.length);
  body[at] = (body[at] ?? 0) ^ 1;
}

async function collect(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks = body instanceof Uint8Array ? [body] : body;
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Uint8Array.from(Buffer.concat(parts));
}
