/** What holds for transfers of all workers of a catalog together (docs/transfers.md, "Limits"). Stores by place. */
export interface TransferLimits {
  readonly stores: readonly StoreLimit[];
  readonly pairs: readonly PairLimit[];
  /** One for each activity that is named, and one for `default`, which is all others; none: claims go by priority alone. */
  readonly shares: readonly ActivityShare[];
}

export interface StoreLimit {
  readonly store: string;
  /** As people call it. */
  readonly name: string;
  /** Transfers to it, and from it, at once; undefined: any number. */
  readonly incomingMax: number | undefined;
  readonly outgoingMax: number | undefined;
}

export interface PairLimit {
  readonly source: string;
  readonly sourceName: string;
  readonly store: string;
  readonly name: string;
  readonly max: number;
}

export interface ActivityShare {
  readonly activity: string;
  /** Above 0: its part is this by the sum of all that have something queued. */
  readonly weight: number;
}

/** The activity whose share is for all that have none of their own. */
export const OTHER_ACTIVITIES = 'default';

/** From where to where; without a source it is not chosen yet. */
export interface FromTo {
  readonly source: string | undefined;
  readonly store: string;
}

export interface InHand extends FromTo {
  readonly count: number;
}

/** Transfers under way, counted against their limits. */
export class TransfersInHand {
  readonly #limits: ReadonlyMap<string, StoreLimit>;
  readonly #pairs: ReadonlyMap<string, PairLimit>;
  readonly #incoming = new Map<string, number>();
  readonly #outgoing = new Map<string, number>();
  readonly #between = new Map<string, number>();

  constructor({ stores, pairs }: Pick<TransferLimits, 'stores' | 'pairs'>, inHand: readonly InHand[]) {
    this.#limits = new Map(stores.map((one) => [one.store, one]));
    this.#pairs = new Map(pairs.map((one) => [pairOf(one.source, one.store), one]));
    for (const one of inHand) this.add(one, one.count);
  }

  add({ source, store }: FromTo, count = 1): void {
    raise(this.#incoming, store, count);
    if (source === undefined) return;
    raise(this.#outgoing, source, count);
    raise(this.#between, pairOf(source, store), count);
  }

  /** How many more there may be; infinite where nothing limits them. */
  roomFor({ source, store }: FromTo): number {
    const incoming = this.#roomTo(store);
    return source === undefined ? incoming : Math.min(incoming, this.#roomFrom(source, store));
  }

  /** Why there may not be one more copy to a store, in one sentence; undefined: there may be. */
  whyNotTo(store: string): string | undefined {
    if (this.#roomTo(store) > 0) return undefined;
    const { name, incomingMax } = this.#limits.get(store) as StoreLimit;
    return describe(`to ${name}`, Number(incomingMax), `limits.incoming of ${name}`);
  }

  /** Why none may begin at this source, whose destination has been counted already. */
  whyNotFrom(source: string, store: string): string | undefined {
    if (this.#roomFrom(source, store) > 0) return undefined;
    const pair = this.#pairs.get(pairOf(source, store));
    if (pair !== undefined && this.#roomBetween(pair) <= 0) {
      const { sourceName, name, max } = pair;
      return describe(`from ${sourceName} to ${name}`, max, `limits.incoming_from of ${name}`);
    }
    const { name, outgoingMax } = this.#limits.get(source) as StoreLimit;
    return describe(`from ${name}`, Number(outgoingMax), `limits.outgoing of ${name}`);
  }

  #roomTo(store: string): number {
    const max = this.#limits.get(store)?.incomingMax;
    return max === undefined ? Number.POSITIVE_INFINITY : Math.max(0, max - (this.#incoming.get(store) ?? 0));
  }

  #roomFrom(source: string, store: string): number {
    const max = this.#limits.get(source)?.outgoingMax;
    const room = max === undefined ? Number.POSITIVE_INFINITY : Math.max(0, max - (this.#outgoing.get(source) ?? 0));
    const pair = this.#pairs.get(pairOf(source, store));
    return pair === undefined ? room : Math.min(room, this.#roomBetween(pair));
  }

  #roomBetween({ source, store, max }: PairLimit): number {
    return Math.max(0, max - (this.#between.get(pairOf(source, store)) ?? 0));
  }
}

/** Whether a transfer that goes on with this source when another one fails would be counted against a limit. */
export function isSourceLimited({ stores, pairs }: TransferLimits, { source, store }: FromTo): boolean {
  return (
    stores.some((one) => one.store === source && one.outgoingMax !== undefined) ||
    pairs.some((one) => one.source === source && one.store === store)
  );
}

function describe(what: string, max: number, setting: string): string {
  return `it waits for its turn: ${max} ${max === 1 ? 'copy' : 'copies'} ${what} at once, and no more (${setting})`;
}

function pairOf(source: string, store: string): string {
  return JSON.stringify([source, store]);
}

function raise(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
