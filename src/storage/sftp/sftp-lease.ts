import { randomUUID } from 'node:crypto';
import type { Clock } from '../../ports/clock.ts';
import { type LeaseClaim, type LeaseHeld, StorageError, type StoreLease } from '../../ports/storage.ts';
import { claimedLease, findHolder, isProcessAlive, type LeaseRecord, parseLease } from '../store-lease.ts';
import { isMissing, isUnexplained } from './sftp-errors.ts';
import { removeQuietly, type SftpPlace } from './sftp-place.ts';
import type { SftpSession } from './sftp-session.ts';
import { makeOwnDirectory } from './sftp-staging.ts';

const LEASE_BYTES_MAX = 64 * 1024;
const LEFTOVER_AGE_MS = 600_000;

/**
 * The sync lease: `.pando/lease`, made by a link that fails if one is there. Taking over one that is over goes through a rename to a
 * name of the claimant's own, so that of two claimants one wins.
 */
export class SftpLease {
  readonly #place: SftpPlace;
  readonly #path: string;

  constructor(place: SftpPlace) {
    this.#place = place;
    this.#path = place.ownPath('lease');
  }

  async claim(claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
    const session = await this.#place.session();
    const id = randomUUID();
    const record = claimedLease(id, claim);
    await makeOwnDirectory(session, this.#place.ownPath('').replace(/\/$/, ''));
    for (;;) {
      const text = await this.#read(session);
      const current = text === undefined ? undefined : parseLease(text);
      const held = findHolder(current, claim, isProcessAlive);
      if (held !== undefined) return held;
      if (text !== undefined && !(await this.#removeIf(session, current, id))) continue;
      if (await this.#create(session, record)) return this.#held(id, claim);
    }
  }

  /** Removes what claimants left that died between two of their steps; those under way are far younger. */
  async clean(session: SftpSession, clock: Clock): Promise<void> {
    const directory = this.#place.ownPath('').replace(/\/$/, '');
    const names = await session.readDirectory(directory).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const { name, status } of names) {
      if (name.startsWith('lease.') && clock.nowMs() - status.seconds * 1000 > LEFTOVER_AGE_MS)
        await removeQuietly(session, `${directory}/${name}`);
    }
  }

  #held(id: string, claim: LeaseClaim): StoreLease {
    const mine = async (session: SftpSession): Promise<LeaseRecord | undefined> => {
      const text = await this.#read(session);
      const record = text === undefined ? undefined : parseLease(text);
      return record?.id === id ? record : undefined;
    };
    return {
      renew: async (nowMs) => {
        await this.#translated(async (session) => {
          const record = await mine(session);
          if (record === undefined)
            throw new StorageError('precondition-failed', { store: this.#place.store }, 'the lease was taken over');
          const temporary = await this.#write(session, { ...record, untilMs: nowMs + claim.leaseMs });
          await session.replace(temporary, this.#path);
        });
      },
      release: async () => {
        await this.#translated(async (session) => {
          if ((await mine(session)) !== undefined) await removeQuietly(session, this.#path);
        });
      },
    };
  }

  async #translated(work: (session: SftpSession) => Promise<void>): Promise<void> {
    try {
      await work(await this.#place.session());
    } catch (error) {
      throw await this.#place.toError(error, undefined);
    }
  }

  #read(session: SftpSession): Promise<string | undefined> {
    return this.#place.readOwn(session, this.#path, LEASE_BYTES_MAX);
  }

  async #create(session: SftpSession, record: LeaseRecord): Promise<boolean> {
    const temporary = await this.#write(session, record);
    try {
      await session.link(temporary, this.#path);
      return true;
    } catch (error) {
      if (isUnexplained(error) && (await this.#read(session)) !== undefined) return false;
      throw error;
    } finally {
      await removeQuietly(session, temporary);
    }
  }

  async #write(session: SftpSession, record: LeaseRecord): Promise<string> {
    const temporary = `${this.#path}.${randomUUID()}`;
    await this.#place.writeOwn(session, temporary, JSON.stringify(record));
    return temporary;
  }

  /** Removes the lease that was seen; false if another one had taken its place, which is put back. */
  async #removeIf(session: SftpSession, seen: LeaseRecord | undefined, claimant: string): Promise<boolean> {
    const aside = `${this.#path}.${claimant}`;
    try {
      await session.replace(this.#path, aside);
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
    const text = await this.#place.readOwn(session, aside, LEASE_BYTES_MAX);
    const taken = text === undefined ? undefined : parseLease(text);
    const isSeen = taken?.id === seen?.id && taken?.untilMs === seen?.untilMs;
    if (isSeen) await removeQuietly(session, aside);
    else await session.replace(aside, this.#path);
    return isSeen;
  }
}
