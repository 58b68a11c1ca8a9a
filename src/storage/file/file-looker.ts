import fs from 'node:fs';
import { isMissing, systemError } from './file-errors.ts';
import { type FileStatus, toFileStatus } from './file-status.ts';
import { loadNativeFiles } from './native.ts';

/**
 * Looks at many files of one directory after the other. Where the system can, through the open directory: its path is then
 * walked once, not for each file. At most one descriptor is held, until `close`.
 */
export class FileLooker {
  readonly #status = loadNativeFiles()?.status;
  #open: { readonly path: string; readonly fd: number } | undefined;

  /** Undefined where there is nothing (any more). Links are not followed. */
  look(directory: string, name: string): FileStatus | undefined {
    if (this.#status === undefined) {
      const stats = fs.lstatSync(`${directory}/${name}`, { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? undefined : toFileStatus(stats);
    }
    const fd = this.#descriptorOf(directory);
    if (fd === undefined) return undefined;
    const status = this.#status(fd, name);
    if (typeof status !== 'number') return status;
    const error = systemError('stat', status);
    if (isMissing(error)) return undefined;
    throw error;
  }

  close(): void {
    if (this.#open !== undefined) fs.closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #descriptorOf(directory: string): number | undefined {
    if (this.#open?.path === directory) return this.#open.fd;
    this.close();
    try {
      const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      this.#open = { path: directory, fd };
      return fd;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}
