import { DARK_DIRECTORY } from '../../domain/object/key.ts';
import { StorageError } from '../../ports/storage.ts';
import { openOwn } from '../stores/open-own.ts';
import type { StoreAccess } from '../stores/store-access.ts';
import { setAsideMs } from './set-aside.ts';

export interface RemoveDark {
  readonly access: StoreAccess;
  readonly olderThanMs: number;
  readonly nowMs: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface DarkRemoved {
  readonly store: string;
  /** What is gone, or with `dryRun` would go. */
  readonly removed: number;
  readonly bytes: number;
  /** Younger than was asked for. */
  readonly kept: number;
  /** The first failure; what could not be removed is there still. */
  readonly why: string | undefined;
}

/** Removes what audits have set aside long enough ago. The only command that deletes files nobody knows. */
export async function removeDark(args: RemoveDark): Promise<DarkRemoved> {
  const { access, olderThanMs, nowMs, dryRun, signal } = args;
  let [removed, bytes, kept] = [0, 0, 0];
  let why: string | undefined;
  try {
    const storage = await openOwn(access);
    for await (const { objects } of storage.list(DARK_DIRECTORY, { signal })) {
      for (const { key, token, size } of objects) {
        const atMs = setAsideMs(key);
        if (atMs === undefined || nowMs - atMs < olderThanMs) {
          kept++;
          continue;
        }
        try {
          if (!dryRun) await storage.delete(key, { ifToken: token, signal });
        } catch (error) {
          if (!(error instanceof StorageError) || error.kind === 'aborted') throw error;
          why ??= error.message;
          continue;
        }
        removed++;
        bytes += size;
      }
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    why ??= error.message;
  }
  return { store: access.name, removed, bytes, kept, why };
}
