import type { ExecutionMode } from '../compose.ts';
import type { ObjectVerbs } from '../engine/object-verbs.ts';
import type { OpenedScope } from '../engine/opened-scope.ts';
import type { Comparison } from '../domain/transfer/difference.ts';
import type { DeleteLimit } from '../domain/transfer/delete-limit.ts';
import type { SyncListeners, SyncResult } from '../engine/sync/sync-types.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { NamePattern } from './make-rules.ts';
import type { PartFiles } from './part-files.ts';

/** How replicas are brought up to date in bulk; the names are those of the configuration's world, in camel case. */
export interface SyncReplicasOptions {
  /** An object, or a directory and all below it; '' is everything. */
  readonly sourcePath?: string;
  /** Positions in the list of replicas by priority; absent or empty: all. */
  readonly replicaIndices?: readonly number[];
  readonly deleteUnmatchedFiles?: boolean;
  /** In order, relative to `sourcePath`; the last match decides. */
  readonly patterns?: readonly NamePattern[];
  readonly ignoreHidden?: boolean;
  /** Given: processes of their own carry out the copies; otherwise threads of this one do. */
  readonly numWorkerProcesses?: number;
  /**
   * Who carries out the copies: `local`, threads or processes of this machine, or `workers`, the `pando worker`s of all machines that
   * share the catalog (docs/sync.md, "Workers").
   */
  readonly executionMode?: ExecutionMode;
  readonly dryRun?: boolean;
  /** What tells that a copy is up to date (docs/sync.md, "Comparison"); by default the recorded version. */
  readonly comparison?: Comparison;
  /** With `deleteUnmatchedFiles`: more than this, and nothing is deleted. By default half of the target. */
  readonly deleteLimit?: DeleteLimit;
  /** With `deleteUnmatchedFiles`: delete also when the source is empty. */
  readonly allowEmptySource?: boolean;
  /** The weakest level of verification that will do. */
  readonly verify?: 'written' | 'store' | 'read-back';
  /** Wait for another sync of the same target, rather than fail. */
  readonly wait?: boolean;
  /** Copies at once, of stores that are not on this machine. */
  readonly transfers?: number;
  readonly listeners?: SyncListeners;
  readonly signal?: AbortSignal;
}

/** A profile opened for one client: its scope, the verbs on it, and what they need to be carried on. */
export interface ClientSession extends AsyncDisposable {
  readonly scope: OpenedScope;
  readonly objects: ObjectVerbs;
  /** Local files that are not whole yet. */
  readonly parts: PartFiles;
  readonly catalog: Pick<Catalog, 'listRequests'>;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep'>;
  /** Whether what lies at a place can be there at all; of a store on another machine that is not asked. */
  hasPlace(place: string): boolean;
  /** Printable: this process, as others see who carries out requests. */
  readonly owner: string;
  syncReplicas(options: SyncReplicasOptions): Promise<SyncResult>;
}

/** Which profile a client works on, and how it is opened. */
export interface OpensSession {
  readonly profile: string;
  open(): Promise<ClientSession>;
}
