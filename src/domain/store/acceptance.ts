import { isAmong } from './store-names.ts';
import type { StoreNames } from './store-names.ts';

/** Which copies a store takes (docs/policies.md, "Acceptance"). An absent limit or an empty list refuses nothing. */
export interface AcceptancePolicy {
  /** The store volunteers for copies that a policy asks for. A rule that names its stores needs no volunteer. */
  readonly replicate: boolean;
  /** An object of exactly this size is taken. */
  readonly maxObjectBytes?: number;
  /** For all copies together, those on their way included. */
  readonly spaceAllocatedBytes?: number;
  /** Where copies may come from: see `AcceptanceFacts.origin`. */
  readonly allowedNodes: readonly string[];
  readonly allowedFormats: readonly string[];
}

/** Of a store that says nothing: rules may name it, policies leave it alone. */
export const DEFAULT_ACCEPTANCE: AcceptancePolicy = { replicate: false, allowedNodes: [], allowedFormats: [] };

/** What the copies at a store take up. Bytes that are staged, retained or being deleted are counted until they are gone. */
export interface StoreUsage {
  readonly completedBytes: number;
  readonly inFlightBytes: number;
}

/** One copy that is asked for. */
export interface AcceptanceFacts {
  readonly object: string;
  readonly bytes: number;
  readonly format: string;
  /**
   * When planning, the store where the object is authoritative; at admission, the source the bytes come from. `names` is
   * undefined where it is not known: a store that lists its nodes then refuses.
   */
  readonly origin: { readonly kind: 'authoritative' | 'source'; readonly names: StoreNames | undefined };
  readonly isByPolicy: boolean;
  /** Without this copy. */
  readonly usage: StoreUsage;
}

export type AcceptanceRefusal = 'not-volunteering' | 'too-large' | 'format' | 'node' | 'space';

/** `why` completes "the store refuses the copy: ". */
export type Acceptance =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reason: AcceptanceRefusal; readonly why: string };

const ACCEPTED: Acceptance = { kind: 'accepted' };

/**
 * Whether a store takes one copy. Asked twice: when the copy is planned, and by the store when the bytes are about to arrive,
 * with the facts of then. What mends itself with time (space) is asked last, so a refusal tells what does not.
 */
export function decideAcceptance(policy: AcceptancePolicy, facts: AcceptanceFacts): Acceptance {
  const { object, bytes, format } = facts;
  if (facts.isByPolicy && !policy.replicate) {
    return refuse('not-volunteering', 'it does not volunteer for copies by policy');
  }
  if (policy.maxObjectBytes !== undefined && bytes > policy.maxObjectBytes) {
    return refuse('too-large', `it takes objects of up to ${policy.maxObjectBytes} bytes, and ${object} has ${bytes}`);
  }
  if (policy.allowedFormats.length > 0 && !policy.allowedFormats.includes(format)) {
    return refuse('format', `it takes ${listed(policy.allowedFormats)}, and ${object} is ${format}`);
  }
  if (policy.allowedNodes.length > 0 && !isAllowedOrigin(policy.allowedNodes, facts.origin)) {
    return refuse('node', `it takes copies from ${listed(policy.allowedNodes)}, and ${describeOrigin(facts)}`);
  }
  return decideSpace(policy.spaceAllocatedBytes, facts);
}

function decideSpace(allocatedBytes: number | undefined, { object, bytes, usage }: AcceptanceFacts): Acceptance {
  if (allocatedBytes === undefined) return ACCEPTED;
  const leftBytes = allocatedBytes - usage.completedBytes - usage.inFlightBytes;
  if (bytes <= leftBytes) return ACCEPTED;
  const left = `${Math.max(0, leftBytes)} of the ${allocatedBytes} bytes it gives to copies are left`;
  return refuse('space', `${left}, and ${object} has ${bytes}`);
}

function isAllowedOrigin(nodes: readonly string[], { names }: AcceptanceFacts['origin']): boolean {
  return names !== undefined && isAmong(names, nodes);
}

function describeOrigin({ object, origin: { kind, names } }: AcceptanceFacts): string {
  if (kind === 'source') return `${object} would come from ${names?.store ?? 'a source nobody knows'}`;
  return names === undefined ? `${object} is authoritative nowhere` : `${object} is authoritative at ${names.store}`;
}

/** At most three by name: a policy may list hundreds. */
function listed(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${names.slice(0, 3).join(', ')}${more} only`;
}

function refuse(reason: AcceptanceRefusal, why: string): Acceptance {
  return { kind: 'refused', reason, why };
}
