import { type AcceptancePolicy, DEFAULT_ACCEPTANCE } from './acceptance.ts';
import type { AttributeValue } from './expression/store-expression.ts';

/** What rules, expressions and placement know of a store besides its place (docs/configuration.md, "What rules know of it"). */
export interface StoreTraits {
  /** Where it stands: copies in different sites fail apart, and a client of the same site is near. Undefined: nobody said. */
  readonly site: string | undefined;
  readonly kind: 'disk' | 'tape';
  /** Names that policies use for it, such as `urn:node:KNB`. */
  readonly aliases: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** False: it is not asked for that, until somebody says otherwise. */
  readonly availability: { readonly read: boolean; readonly write: boolean; readonly delete: boolean };
  readonly accepts: AcceptancePolicy;
  /** Bytes that Pando may use of it, all in all; undefined: no limit but the store's own. */
  readonly spaceMaxBytes: number | undefined;
  /** Released copies are deleted while less than this is free; undefined: they stay until the space is needed. */
  readonly freeBytesMin: number | undefined;
  /** Copies of rules that are made at once, by all workers together. */
  readonly transfers: TransferMaxima;
  /** Released copies are deleted at once. */
  readonly greedy: boolean;
  /** Its copies are brought elsewhere once it has not answered for so long; undefined: never. */
  readonly awayAfterMs: number | undefined;
  /** To other stores by name, 1 or more; 1 is near; `none`: nothing goes there directly. Of a pair that nobody named: 1. */
  readonly distances: Readonly<Record<string, number | 'none'>>;
  /** What it costs besides distances when others' transfers pass through it; undefined: none may. */
  readonly relayCost: number | undefined;
}

/** Undefined: any number. */
export interface TransferMaxima {
  readonly incomingMax: number | undefined;
  readonly outgoingMax: number | undefined;
  /** From other stores, by name. */
  readonly incomingFrom: Readonly<Record<string, number>>;
}

export const PLAIN_TRAITS: StoreTraits = {
  site: undefined,
  kind: 'disk',
  aliases: [],
  attributes: {},
  availability: { read: true, write: true, delete: true },
  accepts: DEFAULT_ACCEPTANCE,
  spaceMaxBytes: undefined,
  freeBytesMin: undefined,
  transfers: { incomingMax: undefined, outgoingMax: undefined, incomingFrom: {} },
  greedy: false,
  awayAfterMs: undefined,
  distances: {},
  relayCost: undefined,
};

/** What an expression sees: what was said, and with it the store's site and kind (docs/names-and-expressions.md). */
export function attributesOf({ attributes, site, kind }: StoreTraits): ReadonlyMap<string, AttributeValue> {
  const own = site === undefined ? { kind } : { kind, site };
  return new Map<string, AttributeValue>(Object.entries({ ...own, ...attributes }));
}

/** Bytes of copies by rules and uploads that a store takes at most, whoever asks; undefined: as many as fit. */
export function spaceLimitOf({
  spaceMaxBytes,
  accepts: { spaceAllocatedBytes },
}: Pick<StoreTraits, 'spaceMaxBytes' | 'accepts'>): number | undefined {
  const said = [spaceMaxBytes, spaceAllocatedBytes].filter((limit) => limit !== undefined);
  return said.length === 0 ? undefined : Math.min(...said);
}
