import type { ObjectName } from '../domain/object/object-name.ts';
import type { Replica, ReplicaState } from '../domain/replica/replica.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { NewEvent, ReplicaChange } from './catalog.ts';

/**
 * What audits of stores need (docs/audit.md): everything recorded at one store, how far an audit is, what it found, and copies that
 * were found again. One audit a store at a time: who begins one takes it from whoever made one before, whose verbs then say so.
 */
export interface AuditCatalog {
  /** Every replica recorded at a store, of all versions; in no order that means anything, each once. Column-wise: there are millions. */
  listReplicasAt(store: string, query: { readonly after?: string; readonly limit: number }): Promise<ReplicaPage>;
  /** Goes on with what was interrupted with the same `withChecksums` less than a week ago, unless `anew`. */
  beginAudit(audit: {
    readonly store: string;
    readonly withChecksums: boolean;
    readonly anew: boolean;
  }): Promise<AuditBegun>;
  /** One step of an audit: what was found, what is settled, how far it is. False: somebody else audits the store now. */
  saveAudit(lease: AuditLease, step: AuditStep): Promise<boolean>;
  /** What was found and not settled, in the byte order of keys, from after `after`. */
  listFindings(
    store: string,
    query: { readonly after?: FindingKey; readonly limit: number },
  ): Promise<readonly AuditFinding[]>;
  /** The last audit of each store, by store. */
  listAudits(): Promise<readonly AuditRecord[]>;
  /** Current versions that these operations made, for copies that are known by their mark alone. Goes through all versions. */
  findOperations(operations: readonly string[]): Promise<readonly (ObjectName & { readonly operation: string })[]>;
  /**
   * Copies that lie at a store and that the catalog did not have there: each becomes an available replica of the object's current
   * version, claimed by the locks that wait for it, or released where there is none. One answer each, in order.
   */
  adoptCopies(copies: readonly FoundCopy[], events: readonly NewEvent[]): Promise<readonly Adoption[]>;
}

export interface ReplicaPage {
  readonly scopes: readonly string[];
  readonly names: readonly string[];
  readonly versionIds: readonly number[];
  /** Of the object's current version. */
  readonly current: readonly boolean[];
  readonly states: readonly ReplicaState[];
  readonly verifications: readonly Verification[];
  readonly places: readonly string[];
  readonly tokens: readonly (string | null)[];
  readonly sizes: readonly number[];
  readonly sha256s: readonly (string | null)[];
  /** Nanoseconds since 1970, beyond the safe integers. */
  readonly modifiedNs: readonly (string | null)[];
  readonly next: string | undefined;
}

export interface AuditLease {
  readonly store: string;
  readonly token: number;
}

export interface AuditBegun {
  readonly lease: AuditLease;
  /** Where an interrupted one is gone on with; its findings are there. Undefined: from the beginning. */
  readonly resumes: AuditProgress | undefined;
}

export interface AuditProgress {
  /** All keys up to this one were looked at; undefined with `isListed`: all there are. */
  readonly position: string | undefined;
  readonly isListed: boolean;
  readonly counts: AuditTally;
}

/** Counted so far, of what is settled as well. */
export type AuditTally = Readonly<Record<string, number>>;

export interface AuditStep {
  readonly position?: string;
  readonly isListed?: true;
  readonly counts: AuditTally;
  /** `ended`: nothing is gone on with. */
  readonly state?: 'ended';
  readonly found?: readonly AuditFinding[];
  /** No findings any more. */
  readonly settled?: readonly FindingKey[];
  readonly replicas?: readonly ReplicaChange[];
  readonly events?: readonly NewEvent[];
}

export interface FindingKey {
  readonly key: string;
  readonly kind: FindingKind;
}

/**
 * `new`: at the source of a scope, and not looked at yet. `hidden`: the listing could not show what begins with the key
 * (docs/audit.md, "Unreachable").
 */
export type FindingKind = 'lost' | 'dark' | 'new' | 'stale' | 'corrupt' | 'unreachable' | 'hidden';

export interface AuditFinding extends FindingKey {
  /** Of which object the catalog has a copy there; undefined: of none. */
  readonly object: (ObjectName & { readonly versionId: number }) | undefined;
  /** What the catalog expected there, as `PlaceRecord` claims it. */
  readonly claim: string | undefined;
  /** The replica's token; undefined: it has none. */
  readonly recordedToken: string | undefined;
  /** Of what lies there. */
  readonly token: string | undefined;
  readonly bytes: number;
  /** For people. */
  readonly detail: string;
}

export interface AuditRecord {
  readonly store: string;
  readonly state: 'interrupted' | 'ended';
  readonly withChecksums: boolean;
  readonly counts: AuditTally;
  readonly startedMs: number;
  readonly updatedMs: number;
}

export interface FoundCopy extends ObjectName, Pick<Replica, 'store' | 'place'> {
  readonly token: string;
  /** Of all its bytes, read from the first to the last. */
  readonly sha256: string;
  readonly size: number;
  /** Its store was not flushed. */
  readonly soft: boolean;
}

/**
 * - `adopted`: it is a replica now.
 * - `elsewhere`: the object has its copy at the store under another key, or one is on its way; or the place is another object's.
 * - `other-bytes`: the object's current version has other bytes.
 * - `unknown`: there is no such object, or it was deleted.
 */
export type Adoption = 'adopted' | 'elsewhere' | 'other-bytes' | 'unknown';
