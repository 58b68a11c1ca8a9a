import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { type LeaseClaim, type LeaseHeld, StorageError, type StoreLease } from '../../ports/storage.ts';
import { toStorageError } from './file-errors.ts';
import { isOwnDirectory, makeOwnDirectory } from './own-directory.ts';
import { claimedLease, findHolder, isProcessAlive, type LeaseRecord, parseLease } from '../store-lease.ts';

const LEFTOVER_AGE_MS = 600_000;

/**
 * The sync lease of a directory: `.pando/lease`, made by a link that fails if one is there. Taking over one that is over goes
 * through a rename to a name of the claimant's own, so that of two claimants one wins.
 */
export class FileLease {
  readonly #store: string;
  readonly #directory: string;
  readonly #path: string;

  constructor(store: string, root: string) {
    this.#store = store;
    this.#directory = `${root}/.pando`;
    this.#path = `${this.#directory}/lease`;
  }

  claim(claim: LeaseClaim): StoreLease | LeaseHeld {
    const id = randomUUID();
    const record = claimedLease(id, claim);
    // Not with its parents: a root that is gone stays gone.
    makeOwnDirectory(this.#directory, { store: this.#store, levels: 1 });
    for (;;) {
      const current = this.#read();
      const held = findHolder(current, claim, isProcessAlive);
      if (held !== undefined) return held;
      if (fs.existsSync(this.#path) && !this.#removeIf(current, id)) continue;
      if (this.#create(record)) return this.#held(id, claim);
    }
  }

  /** Removes what claimants left that were killed between two of their steps; those under way are far younger. */
  clean(nowMs: number): void {
    for (const name of isOwnDirectory(this.#directory, this.#store) ? fs.readdirSync(this.#directory) : []) {
      const path = `${this.#directory}/${name}`;
      const stats = name.startsWith('lease.') ? fs.statSync(path, { throwIfNoEntry: false }) : undefined;
      if (stats !== undefined && nowMs - stats.mtimeMs > LEFTOVER_AGE_MS) fs.rmSync(path, { force: true });
    }
  }

  #held(id: string, claim: LeaseClaim): StoreLease {
    return {
      renew: async (nowMs) => {
        const mine = this.#read();
        if (mine?.id !== id) throw this.#lost();
        this.#replace({ ...mine, untilMs: nowMs + claim.leaseMs });
      },
      release: async () => {
        if (this.#read()?.id === id) fs.rmSync(this.#path, { force: true });
      },
    };
  }

  /** Whoever takes a lease over makes its directory; where that is gone, so is the store. */
  #lost(): StorageError {
    if (fs.existsSync(this.#directory))
      return new StorageError('precondition-failed', { store: this.#store }, 'the lease was taken over');
    const why = `${this.#directory} was removed, or the disk it lies on unmounted, while the store was synced into`;
    return new StorageError('unavailable', { store: this.#store }, why);
  }

  #read(): LeaseRecord | undefined {
    try {
      return parseLease(fs.readFileSync(this.#path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #create(record: LeaseRecord): boolean {
    const temporary = this.#write(record);
    try {
      fs.linkSync(temporary, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  }

  #replace(record: LeaseRecord): void {
    let temporary: string;
    try {
      temporary = this.#write(record);
    } catch (error) {
      if (toStorageError(error, this.#store).kind !== 'full') throw error;
      // For the same number of bytes in the same place there is room on a full disk too.
      fs.writeFileSync(this.#path, JSON.stringify(record), { flag: 'r+' });
      return;
    }
    fs.renameSync(temporary, this.#path);
  }

  #write(record: LeaseRecord): string {
    const temporary = `${this.#directory}/lease.${randomUUID()}`;
    try {
      fs.writeFileSync(temporary, JSON.stringify(record), { mode: 0o644, flag: 'wx' });
      return temporary;
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Removes the lease that was seen; false if another one had taken its place, which is put back. */
  #removeIf(seen: LeaseRecord | undefined, claimant: string): boolean {
    const aside = `${this.#directory}/lease.${claimant}`;
    try {
      fs.renameSync(this.#path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      throw error;
    }
    const taken = parseLease(fs.readFileSync(aside, 'utf8'));
    const isSeen = taken?.id === seen?.id && taken?.untilMs === seen?.untilMs;
    if (!isSeen) fs.renameSync(aside, this.#path);
    else fs.rmSync(aside, { force: true });
    return isSeen;
  }
}
