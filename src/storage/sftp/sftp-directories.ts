import { isMissing, isUnexplained, SftpFailure, STATUS } from './sftp-errors.ts';
import { parentOf, type SftpPlace } from './sftp-place.ts';
import type { SftpSession } from './sftp-session.ts';

/** Directories remembered as made; beyond it all are looked at again. */
const REMEMBERED_MAX = 20_000;

/** The directories below a root: made when a key needs them, removed when a delete leaves them empty; the root is neither. */
export class SftpDirectories {
  readonly #place: SftpPlace;
  readonly #made = new Set<string>();
  readonly #fresh = new Set<string>();

  constructor(place: SftpPlace) {
    this.#place = place;
  }

  /** What must be flushed for the directory to stay is then given by `takeFresh`. */
  async makeParent(session: SftpSession, key: string): Promise<void> {
    const directory = parentOf(key);
    if (directory === '') return;
    if (!this.#made.has(directory)) await this.#make(session, key, directory);
    await this.#place.checkParent(session, key);
  }

  async #make(session: SftpSession, key: string, directory: string): Promise<void> {
    if (directory === '') throw new SftpFailure('not-found', 'not found', { status: STATUS.noSuchFile });
    try {
      await session.mkdir(this.#place.pathOf(directory));
    } catch (error) {
      if (isMissing(error)) {
        await this.#make(session, key, parentOf(directory));
        return this.#make(session, key, directory);
      }
      if (!isUnexplained(error)) throw error;
      const { kind } = await session.lstat(this.#place.pathOf(directory)).catch((other: unknown) => {
        throw isMissing(other) ? error : other;
      });
      if (kind === 'symlink') throw this.#place.linked(key);
      if (kind !== 'directory') throw this.#place.blocked(key, 'something else lies where a directory must be');
    }
    // Whoever made what was found may not have flushed it yet, nor those above it.
    for (let one = directory; one !== '' && !this.#made.has(one); one = parentOf(one)) this.#fresh.add(parentOf(one));
    if (this.#made.size >= REMEMBERED_MAX) this.#made.clear();
    this.#made.add(directory);
  }

  /** Directories in which others were made or found since the last call. */
  takeFresh(): string[] {
    const fresh = [...this.#fresh];
    this.#fresh.clear();
    return fresh;
  }

  /** After a directory vanished under us: nothing is taken for made any more. */
  forget(): void {
    this.#made.clear();
  }

  async removeEmptyAbove(session: SftpSession, key: string): Promise<void> {
    for (let directory = parentOf(key); directory !== ''; directory = parentOf(directory)) {
      try {
        await session.rmdir(this.#place.pathOf(directory));
      } catch {
        return;
      }
      this.#made.delete(directory);
    }
  }
}
