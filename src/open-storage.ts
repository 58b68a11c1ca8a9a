import type { Profile } from './config/configuration.ts';
import type { Storage, StorageError } from './ports/storage.ts';
import type { BandwidthLedger } from './storage/bandwidth.ts';
import { withDeadline } from './storage/with-deadline.ts';
import { withLimit } from './storage/with-limit.ts';
import { type StorageMeter, withMeter } from './storage/with-meter.ts';
import { withRetry } from './storage/with-retry.ts';
import { systemClock } from './system/system-clock.ts';
import { systemRandom } from './system/system-random.ts';

/** How a store is opened, besides its profile. Plain data: a worker opens its stores itself. */
export interface OpenStore {
  /** Normalised URL of the place. */
  readonly place: string;
  /** In a worker that does nothing else: file calls block. */
  readonly blocking: boolean;
  readonly symlinks: 'follow' | 'follow-files' | 'skip' | 'preserve';
  /** Of so many workers that share the profile's limits. */
  readonly workers: number;
  /** Where they share memory, they share the bandwidth by it; others have an even part each. */
  readonly ledger?: BandwidthLedger | undefined;
  /** The same, of what comes from other places. */
  readonly from?: readonly BandwidthFrom[] | undefined;
}

export interface BandwidthFrom {
  readonly place: string;
  readonly bytesPerSecond: number;
  readonly ledger: BandwidthLedger | undefined;
}

/** What a copy worker needs to open its stores itself. Plain data. */
export interface WorkerInit {
  readonly source: WorkerStore;
  readonly targets: readonly WorkerStore[];
  readonly itemsAtOnce: number;
  /** What is asked of the stores is counted, and told in the end. */
  readonly isMetered: boolean;
  readonly paces: readonly PaceFrom[];
}

/** What limits copies to a target from another store of a pool, or from its source (store 0). */
export interface PaceFrom extends BandwidthFrom {
  readonly store: number;
  readonly target: number;
}

export interface WorkerStore {
  readonly profile: Profile;
  readonly open: OpenStore;
}

/** A store failed and was asked once more; `attempt` counts from 2. */
export type OnRetry = (failure: StorageError, attempt: number) => void;

/** Who watches a store at work. */
export interface Watch {
  readonly onRetry?: OnRetry;
  /** Counts every attempt that reaches the store. */
  readonly meter?: StorageMeter | undefined;
}

/** Requests at once to a store whose profile does not say: more than any pool of ours asks for. */
const CONCURRENCY_MAX = 64;

/**
 * The store a profile names, with what every store gets: deadlines, limits and retries, the retries outermost so that each
 * attempt has its own deadline and slot. Blocking file calls cannot be given up, and repeat nothing by themselves.
 */
export async function openStorage(profile: Profile, open: OpenStore, { onRetry, meter }: Watch = {}): Promise<Storage> {
  const plain = await openAdapter(profile, open);
  const adapter = meter === undefined ? plain : withMeter(plain, meter);
  const limited = limit(profile, open);
  if (open.blocking && profile.storage.type === 'file') return limited(adapter);
  const timed = withDeadline(adapter, { clock: systemClock, callMs: profile.deadlineMs });
  return withRetry(limited(timed), {
    policy: profile.retry,
    clock: systemClock,
    random: systemRandom,
    ...(onRetry === undefined ? {} : { onRetry }),
  });
}

function limit({ concurrency, bandwidth }: Profile, { workers, ledger }: OpenStore): (inner: Storage) => Storage {
  if (concurrency === undefined && bandwidth === undefined) return (inner) => inner;
  const share = {
    clock: systemClock,
    concurrency: Math.max(1, Math.floor((concurrency ?? CONCURRENCY_MAX) / workers)),
    bandwidth: bandwidth === undefined || ledger !== undefined ? bandwidth : bandwidth / workers,
    ledger,
  };
  return (inner) => withLimit(inner, share);
}

/** Each adapter is loaded when it is first needed, so that a worker carries only its own. */
async function openAdapter(profile: Profile, { place, blocking, symlinks }: OpenStore): Promise<Storage> {
  const { storage: settings, durability, concurrency, title: name = profile.name } = profile;
  switch (settings.type) {
    case 'file': {
      const { openFileStorage } = await import('./storage/file/file-storage.ts');
      return openFileStorage({ name, place, basePath: settings.basePath, durability, symlinks, blocking });
    }
    case 'memory': {
      const { openMemoryStorage } = await import('./storage/memory/memory-storage.ts');
      return openMemoryStorage({ name: settings.name, clock: systemClock });
    }
    case 'webdav': {
      const { openWebdavStorage } = await import('./storage/webdav/webdav-storage.ts');
      return openWebdavStorage({ name, place, settings, clock: systemClock, random: systemRandom });
    }
    case 'sftp': {
      const { openSftpStorage } = await import('./storage/sftp/sftp-storage.ts');
      return openSftpStorage({ name, place, settings, clock: systemClock, durability });
    }
    case 's3': {
      const { openS3Storage } = await import('./storage/s3/s3-storage.ts');
      return openS3Storage({
        name,
        place,
        settings,
        clock: systemClock,
        random: systemRandom,
        ...(concurrency === undefined ? {} : { concurrency }),
      });
    }
  }
}
