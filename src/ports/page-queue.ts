import type { Holder } from './catalog.ts';
import type { SyncLease } from './catalog-syncs.ts';

/**
 * The pages of a bulk sync or verify as rows that any `pando worker` of the same catalog may carry out (docs/sync.md, "Workers").
 *
 * - A *job* is one pool's: the stores its pages are about, and on what it stands. That of a sync stands as long as the lease of the
 *   sync is held, any other one as long as its pool collects.
 * - A *page* is claimed under a lease with a token that grows with each claim. Leases are on the database's clock. A lease that ran
 *   out is lost, also where nobody has taken the page since.
 * - Pages and outcomes are texts whose meaning the queue does not know.
 */
export interface PageQueue {
  /** False: the lease of its sync is not held. The same job again is opened once. */
  openPageJob(job: NewPageJob): Promise<boolean>;
  /** False: the job does not stand any more. The same page again is added once. */
  addPage(page: NewPage): Promise<boolean>;
  /** What workers answered, and what is left. Renews a job that stands on its own. */
  collectPages(collect: CollectPages): Promise<CollectedPages>;
  /** Nothing of the job is claimed any more; whoever carries out a page of it is told to stop. */
  stopPageJob(job: string): Promise<void>;
  /** It is gone, with its pages; where there is none, nothing happens. */
  closePageJob(job: string): Promise<void>;

  /** Jobs that stand and are not stopped, oldest first. */
  listPageJobs(): Promise<readonly PageJob[]>;
  /**
   * Renews all that one worker holds of a job, and claims more pages of it, those first that were added first. Undefined: the job
   * does not stand any more, or one of the leases is lost; then nothing is claimed, and whoever asked must put nothing
   * of any of these pages anywhere.
   */
  claimPages(claim: PageClaim): Promise<ClaimedPages | undefined>;
  /** False: its lease is lost or its job does not stand; nothing was changed. */
  answerPage(lease: PageLease, outcomes: string): Promise<boolean>;
  /** They are anybody's again at once; what is lost already is left as it is. */
  giveBackPages(leases: readonly PageLease[]): Promise<void>;
}

export interface NewPageJob {
  /** UUIDv7. */
  readonly id: string;
  readonly scope: string;
  /** The source, then the targets. */
  readonly stores: readonly PageStore[];
  /** What it stands on; undefined: it stands on its own, for three times `leaseMs` from each `addPage` or `collectPages` on. */
  readonly sync: SyncLease | undefined;
  readonly holder: Holder;
  /** Of each claim of its pages. */
  readonly leaseMs: number;
}

/** A store as somebody else's configuration may have it: the place is what tells, the title is for people. */
export interface PageStore {
  readonly title: string;
  readonly place: string;
  /** What tells that a directory of that place on another machine is this one; undefined: the place tells enough. */
  readonly identity: string | undefined;
  readonly symlinks: 'follow' | 'follow-files' | 'skip' | 'preserve';
}

export type PageJob = Pick<NewPageJob, 'id' | 'scope' | 'stores' | 'holder' | 'leaseMs'>;

export interface NewPage {
  readonly job: string;
  /** From 1, in the order they are added. */
  readonly number: number;
  readonly kind: 'copy' | 'read';
  readonly text: string;
}

export interface CollectPages {
  readonly job: string;
  /** Numbers of pages whose outcomes were told before and have arrived: they go. */
  readonly taken: readonly number[];
}

export interface CollectedPages {
  /** False: the lease of the sync is lost; nothing of the job is carried out any more. */
  readonly stands: boolean;
  readonly answered: readonly { readonly number: number; readonly outcomes: string }[];
  /** Nobody will answer them: a stop came before they were claimed, or `CLAIMS_PER_PAGE_MAX` claims of them ran out. */
  readonly givenUp: readonly { readonly number: number; readonly claims: number }[];
  /** Bytes so far, of pages under way. */
  readonly moved: readonly { readonly number: number; readonly bytes: number }[];
  /** Pages that nobody has claimed, or whose claims ran out. */
  readonly waiting: number;
  /** Pages under a lease. */
  readonly claimed: number;
}

/** A page whose workers were never heard of again so often is given up: it would end the next one too. */
export const CLAIMS_PER_PAGE_MAX = 3;

export interface PageLease {
  readonly job: string;
  readonly number: number;
  readonly token: number;
}

export interface PageClaim {
  readonly job: string;
  /** Printable: who claims. */
  readonly owner: string;
  readonly limit: number;
  readonly held: readonly { readonly lease: PageLease; readonly bytesMoved: number }[];
}

export interface ClaimedPages {
  /** All that is held and claimed is held for so long from the beginning of the call on, and not longer than the sync itself. */
  readonly leaseMs: number;
  readonly isStopped: boolean;
  readonly pages: readonly { readonly lease: PageLease; readonly kind: 'copy' | 'read'; readonly text: string }[];
}
