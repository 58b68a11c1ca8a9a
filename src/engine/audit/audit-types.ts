import type { AuditCounts } from '../../domain/audit/difference-limit.ts';
import type { AuditCatalog, FindingKind } from '../../ports/audits.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CopyPool } from '../../ports/copy-pool.ts';
import type { Random } from '../../ports/random.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { Scratch } from '../../ports/scratch.ts';
import type { Storage } from '../../ports/storage.ts';
import type { Telling } from '../../ports/telling.ts';
import type { StoreHealth } from '../store-health.ts';
import type { StoreAccess, Stores } from '../stores/store-access.ts';

export interface AuditPorts {
  readonly catalog: AuditCatalog &
    Pick<
      Catalog,
      'record' | 'readObject' | 'recordEvents' | 'readPlaces' | 'listNearby' | 'listIntents' | 'openScope'
    > &
    Pick<RuleCatalog, 'hasten' | 'readStoreUse' | 'listLocks'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly health: StoreHealth;
  readonly stores: Stores;
  readonly telling: Telling;
  readonly openScratch: () => Scratch;
  /** Reads copies of one store. */
  readonly openPool: (storage: Storage) => Promise<CopyPool>;
}

export interface AuditOptions {
  /** Every copy is read and hashed, not only those that changed. */
  readonly withChecksums: boolean;
  /** What is lost is copied again, what is dark set aside, what is new made known. */
  readonly repair: boolean;
  /** Dark files that are known become replicas. */
  readonly adopt: boolean;
  /** More differences than this, and nothing is done about any. */
  readonly percentMax: number;
  /** From the beginning, whatever was interrupted. */
  readonly anew: boolean;
}

export interface AuditListeners {
  readonly onProgress?: (report: AuditProgressReport) => void;
  /** Each confirmed finding, in the order of keys. */
  readonly onFinding?: (store: string, finding: ShownFinding) => void;
}

export interface AuditProgressReport {
  readonly store: string;
  readonly phase: 'reading the catalog' | 'comparing' | 'confirming' | 'repairing';
  /** Places looked at, of so many that the catalog knows at the store. */
  readonly looked: number;
  readonly known: number;
  readonly bytesRead: number;
  readonly suspects: number;
}

export interface ShownFinding {
  readonly kind: Exclude<FindingKind, 'hidden'>;
  readonly key: string;
  readonly scope: string | undefined;
  readonly name: string | undefined;
  readonly bytes: number;
  readonly detail: string;
}

/** What became of the findings. */
export interface AuditRepairs {
  /** Replicas that are `BAD` from now on. */
  readonly declaredBad: number;
  /** Of these, copies that no rule brings anew: of a source, above all. */
  readonly unclaimed: number;
  /** Replicas that are `SUSPICIOUS` from now on: too many were wrong to be sure. */
  readonly doubted: number;
  /** Lost ones that the catalog has forgotten, so that their rules copy them again. */
  readonly forgotten: number;
  /** Lost ones that no rule copies again, whether or not they were forgotten. */
  readonly uncopied: number;
  /** Of these, objects whose source the store is: who wants them puts them back there. */
  readonly goneFromSource: number;
  readonly adopted: number;
  /** New objects at a source that the catalog knows now. */
  readonly registered: number;
  readonly setAside: number;
  /** Could not be done now; each is told as an event. */
  readonly failed: number;
}

export interface StoreAudit {
  readonly store: string;
  readonly place: string;
  /**
   * - `clean`: all is as the catalog says, but for what is new at a source.
   * - `differs`: there are findings, and what was asked to be done about them was done.
   * - `too-different`: nothing was done, because of `why`; what was read and found wrong is in doubt.
   * - `unreachable`: the store cannot be listed to its end; nothing is concluded. What was looked at is kept for the next audit.
   * - `interrupted`: the next audit goes on where this one was.
   * - `taken-over`: another audit of the store was begun meanwhile.
   * - `mirror`: `pando verify` audits it.
   */
  readonly state: 'clean' | 'differs' | 'too-different' | 'unreachable' | 'interrupted' | 'taken-over' | 'mirror';
  readonly why: string | undefined;
  /** It went on with one that was interrupted. */
  readonly resumed: boolean;
  readonly counts: AuditCounts & {
    readonly ok: number;
    /** Objects at a source that nobody has looked at yet: nothing is wrong with them. */
    readonly new: number;
    /** Where the store is unreachable, all that it should have. */
    readonly unreachable: number;
    readonly inFlight: number;
    readonly bytesRead: number;
  };
  readonly repairs: AuditRepairs;
  /** Files below stores inside this one, or that the catalog has at one around it: theirs, and not looked at. */
  readonly leftTo: readonly LeftTo[];
  /** Objects that have no copy left anywhere that could be good. At most `NAMES_KEPT` are named. */
  readonly lostObjects: { readonly count: number; readonly names: readonly string[] };
  /** At most `FINDINGS_KEPT`; all are kept by the catalog until the next audit of the store. */
  readonly findings: readonly ShownFinding[];
  readonly seconds: number;
}

/** What was left to another store, by what that is called. */
export interface LeftTo {
  readonly store: string;
  readonly files: number;
}

export interface AuditResult {
  readonly stores: readonly StoreAudit[];
}

/** One store under audit. */
export interface AuditedStore {
  readonly access: StoreAccess;
  readonly storage: Storage;
}

export const FINDINGS_KEPT = 10_000;
export const NAMES_KEPT = 100;
