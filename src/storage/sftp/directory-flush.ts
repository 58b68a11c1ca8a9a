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
    const before = this.#running.get(directory);
    const flush = (before ?? Promise.resolve())
      .catch(() => undefined)
      .then(async () => {
        this.#waiting.delete(directory);
        this.#running.set(directory, flush);
        await this.#place.flushDirectory(await this.#place.session(), directory);
      })
      .finally(() => {
        if (this.#running.get(directory) === flush) this.#running.delete(directory);
      });
    this.#waiting.set(directory, flush);
    return flush;
  }
}
