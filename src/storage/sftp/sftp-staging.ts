import type { Clock } from '../../ports/clock.ts';
import { mayWriterLive, newWriterName } from '../writer-name.ts';
import { isMissing, isUnexplained } from './sftp-errors.ts';
import { removeQuietly, type SftpPlace } from './sftp-place.ts';
import type { SftpName, SftpSession } from './sftp-session.ts';

const STAGING = 'staging';

/**
 * Where a writer's bytes lie before they have a key: `.pando/staging/<host>.<process>.<random>/<n>`. The directory is made with the
 * first name asked for, the root never.
 */
export class SftpStaging {
  readonly #place: SftpPlace;
  readonly #clock: Clock;
  readonly #writer = newWriterName();
  #count = 0;
  #making: Promise<void> | undefined;

  constructor(place: SftpPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  /** Does what needs a free name; where the directory is gone (another host took a silent writer for dead), it is made again. */
  async within<T>(session: SftpSession, act: (path: string) => Promise<T>): Promise<T> {
    await this.#make(session);
    try {
      return await act(this.#nextPath());
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#making = undefined;
      await this.#make(session);
      return act(this.#nextPath());
    }
  }

  #nextPath(): string {
    return `${this.#directory}/${++this.#count}`;
  }

  get #directory(): string {
    return this.#place.ownPath(`${STAGING}/${this.#writer}`);
  }

  async #make(session: SftpSession): Promise<void> {
    this.#making ??= this.#makeAll(session).catch((error: unknown) => {
      this.#making = undefined;
      throw error;
    });
    await this.#making;
  }

  async #makeAll(session: SftpSession): Promise<void> {
    await makeOwnDirectory(session, this.#place.ownPath('').replace(/\/$/, ''));
    await makeOwnDirectory(session, this.#place.ownPath(STAGING));
    await makeOwnDirectory(session, this.#directory, 0o700);
  }

  /** Whatever this writer still had staged is nobody's now. */
  async dispose(session: SftpSession): Promise<void> {
    if (this.#making === undefined) return;
    this.#making = undefined;
    await this.#remove(session, this.#directory);
  }

  /** Removes what writers left behind that no longer live; gives the number of files. */
  async clean(session: SftpSession): Promise<number> {
    let count = 0;
    for (const { name, status } of await readNames(session, this.#place.ownPath(STAGING))) {
      if (name === this.#writer || mayWriterLive(name, this.#clock.nowMs() - status.seconds * 1000)) continue;
      count += await this.#remove(session, this.#place.ownPath(`${STAGING}/${name}`));
    }
    return count;
  }

  async #remove(session: SftpSession, directory: string): Promise<number> {
    const names = await readNames(session, directory);
    for (const { name } of names) await removeQuietly(session, `${directory}/${name}`);
    await session.rmdir(directory).catch(() => undefined);
    return names.length;
  }
}

async function readNames(session: SftpSession, directory: string): Promise<SftpName[]> {
  try {
    return await session.readDirectory(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** One of Pando's own directories; what it lies in must be there. */
export async function makeOwnDirectory(session: SftpSession, path: string, mode?: number): Promise<void> {
  try {
    await session.mkdir(path, mode);
  } catch (error) {
    if (!isUnexplained(error) || (await session.lstat(path)).kind !== 'directory') throw error;
  }
}
