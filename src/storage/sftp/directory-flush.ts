import type { SftpPlace } from './sftp-place.ts';

/** Flushes of directories, each shared by all who ask for it before it begins: many publishes at once need one. */
export class DirectoryFlush {
  readonly #place: SftpPlace;
  /** Under way; what is asked for meanwhile needs another one after it. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(place: SftpPlace) {
    this.#place = place;
  }

  async all(directories: Iterable<string>): Promise<void> {
    await Promise.all([...new Set(directories)].map((directory) => this.#one(directory)));
  }

  #one(directory: string): Promise<void> {
    const waiting = this.#waiting.get(directory);
    if (waiting !== undefined) return waiting;
    const flush = this.#after(this.#running.get(directory), directory);
    this.#waiting.set(directory, flush);
    return flush;
  }

  async #after(before: Promise<void> | undefined, directory: string): Promise<void> {
    // Its failure is told to those who asked for that one.
    await before?.catch(() => undefined);
    const flush = this.#waiting.get(directory) as Promise<void>;
    this.#waiting.delete(directory);
    this.#running.set(directory, flush);
    try {
      await this.#place.flushDirectory(await this.#place.session(), directory);
    } finally {
      if (this.#running.get(directory) === flush) this.#running.delete(directory);
    }
  }
}
