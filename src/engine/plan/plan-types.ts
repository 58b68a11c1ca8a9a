import type { Topology } from '../../domain/transfer/find-route.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { Scratch } from '../../ports/scratch.ts';
import type { Stores } from '../stores/store-access.ts';

/** Reads only: a plan writes nothing. */
export interface PlanPorts {
  readonly catalog: Pick<
    Catalog & RuleCatalog,
    | 'readRulePage'
    | 'sumRuleGroup'
    | 'readTargetPage'
    | 'sumTargetGroup'
    | 'readHeldPage'
    | 'readStoreUse'
    | 'listQuotas'
    | 'readAccountUse'
    | 'listRules'
  >;
  readonly stores: Stores;
  readonly topology: Topology;
  readonly clientSite: string | undefined;
  readonly openScratch: () => Scratch;
}

export interface PlannedStore {
  readonly store: string;
  /** Copies that would be made there. */
  readonly copies: number;
  readonly bytes: number;
  /** Copies that are there, or on their way, and would be claimed. */
  readonly there: number;
  /** Claims that would go; the copies are released, and go when their space is needed. */
  readonly released: number;
  readonly releasedBytes: number;
  /** Copies on their way to other stores: their bytes lie here until they have arrived there. */
  readonly passing: number;
  readonly passingBytes: number;
  /** Of what rules and uploads place: now, after the copies, and at most. */
  readonly usedBytes: number;
  readonly afterBytes: number;
  readonly limitBytes: number | undefined;
}

/** What goes from one store to another; copies that take several links count on each. */
export interface PlannedLink {
  /** Undefined: no store could give the bytes now. */
  readonly from: string | undefined;
  readonly to: string;
  readonly copies: number;
  readonly bytes: number;
}

/** Why copies have no place. */
export interface MissingReason {
  readonly why: string;
  readonly objects: number;
  /** What each store that is no candidate says of the first of these objects; what the rule's expression leaves out says nothing. */
  readonly rejected: readonly { readonly store: string; readonly why: string }[];
}

export interface Plan {
  /** What it would be about. */
  readonly objects: number;
  readonly bytes: number;
  readonly copies: number;
  readonly copiedBytes: number;
  /** Only stores to which something would happen, by name. */
  readonly stores: readonly PlannedStore[];
  /** The most bytes first. */
  readonly links: readonly PlannedLink[];
  readonly missing: {
    /** Copies without a place. */
    readonly copies: number;
    /** The most objects first; at most `REASONS_KEPT`. */
    readonly reasons: readonly MissingReason[];
  };
}

/** What would be, were a store gone. */
export interface LossPlan extends Plan {
  readonly store: string;
  /** Objects of which no copy would be left that could be good. */
  readonly lost: { readonly objects: number; readonly bytes: number; readonly names: readonly string[] };
  /** Objects of which one good copy would be left. */
  readonly single: { readonly objects: number; readonly bytes: number };
  /** Rules that have copies there. */
  readonly rules: readonly { readonly rule: number; readonly objects: number; readonly missingCopies: number }[];
}

export const REASONS_KEPT = 20;
export const NAMES_KEPT = 100;
