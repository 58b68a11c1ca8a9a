import type { Holder } from './catalog.ts';

/** The runs of bulk syncs, and who may write to which target. */
export interface SyncCatalog {
  /** One sync per target at a time: takes all its targets, or none. Who loses one of them has lost its lease as a whole. */
  beginSync(sync: BeginSync): Promise<SyncBegun | SyncHeld>;
  /** False: the lease is lost. One that ran out and was taken by nobody is renewed. */
  renewSync(lease: SyncLease, leaseMs: number): Promise<boolean>;
  /** Ends the run and frees its targets, and its pages are gone; a run whose lease is lost changes nothing. */
  endSync(
    lease: SyncLease,
    state: Exclude<SyncRecord['state'], 'running'>,
    progress: SyncProgress,
    grown?: readonly GrownTarget[],
  ): Promise<void>;
  /** How many objects refused runs of this scope have added at each of these since it was last in line with it. */
  readGrown(scope: string, targets: readonly string[]): Promise<readonly number[]>;
  /** Newest first. A run whose lease ran out is told as `interrupted`. */
  listSyncs(limit: number): Promise<readonly SyncRecord[]>;
}

/** So many objects the refused runs of a scope have added at a target since it was last in line with it. */
export interface GrownTarget {
  readonly target: string;
  readonly objects: number;
}

/** `repair`: it copies again what `verify` found wrong, and nothing else. */
export type SyncPurpose = 'sync' | 'repair';

/** A run that asks for the leases of its targets (docs/catalog.md, "Leases"). */
export interface BeginSync {
  readonly id: string;
  readonly scope: string;
  readonly prefix: string;
  readonly source: string;
  readonly targets: readonly string[];
  /** By default `sync`. A run goes on from an interrupted one of the same purpose only. */
  readonly purpose?: SyncPurpose | undefined;
  readonly holder: Holder;
  readonly leaseMs: number;
  /** Leases of these holders are known to be dead and may be taken over. */
  readonly deadHolders: readonly Holder[];
}

/** The right to write to all targets of a run; `token` grows with each claim, and nothing is recorded under an old one. */
export interface SyncLease {
  readonly syncId: string;
  readonly token: number;
}

export interface SyncBegun {
  readonly kind: 'begun';
  readonly lease: SyncLease;
  /** The interrupted run of the same scope and targets this one goes on from. */
  readonly resumes: SyncRecord | undefined;
  /** For so long from now on workers of a run that was taken over may still publish: what is listed before may change after. */
  readonly settlesMs: number;
}

/** Refused: another run holds one of the targets. */
export interface SyncHeld {
  readonly kind: 'held';
  readonly target: string;
  readonly syncId: string;
  readonly holder: Holder;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface SyncProgress {
  /** All names up to this one were carried out. */
  readonly position: string;
  readonly objects: number;
  readonly bytes: number;
}

export interface SyncRecord {
  readonly id: string;
  readonly scope: string;
  readonly prefix: string;
  readonly targets: readonly string[];
  /** `refused`: a guard kept its deletes; what it copied stays. */
  readonly state: 'running' | 'done' | 'failed' | 'refused' | 'interrupted';
  readonly purpose: SyncPurpose;
  readonly holder: Holder;
  readonly startedMs: number;
  readonly updatedMs: number;
  readonly progress: SyncProgress;
}
