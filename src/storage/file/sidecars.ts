import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { FileIo } from './file-io.ts';
import { decodeFileMark, type FileMark, NO_MARK } from './file-mark.ts';
import { makeOwnDirectory } from './own-directory.ts';

/**
 * Marks of files on a file system without extended attributes: `.pando/meta/<sha256 of key>` holds the token the mark belongs
 * to, a newline, and the mark. A sidecar of other bytes than those now at the key says nothing.
 */
export class Sidecars {
  readonly #store: string;
  readonly #directory: string;
  readonly #io: FileIo;

  constructor(store: string, root: string, io: FileIo) {
    this.#store = store;
    this.#directory = `${root}/.pando/meta`;
    this.#io = io;
  }

  async read(key: string, token: string): Promise<FileMark> {
    try {
      const bytes = await this.#io.readFile(this.#pathOf(key));
      const end = bytes.indexOf(0x0a);
      return bytes.toString('latin1', 0, end) === token ? decodeFileMark(bytes.subarray(end + 1)) : NO_MARK;
    } catch {
      return NO_MARK;
    }
  }

  /** Writes beside `temporary` and renames; durable with the store's next flush. */
  async write(key: string, token: string, mark: Uint8Array, temporary: string): Promise<void> {
    makeOwnDirectory(this.#directory, { store: this.#store, levels: 2 });
    const fd = await this.#io.open(
      temporary,
      fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC,
      0o600,
    );
    try {
      const bytes = Buffer.concat([Buffer.from(`${token}\n`, 'latin1'), mark]);
      for (let at = 0; at < bytes.length; ) at += await this.#io.write(fd, bytes.subarray(at));
      await this.#io.fsync(fd);
    } finally {
      await this.#io.close(fd);
    }
    await this.#io.rename(temporary, this.#pathOf(key));
  }

  async remove(key: string): Promise<void> {
    try {
      await this.#io.unlink(this.#pathOf(key));
    } catch {
      // There was none.
    }
  }

  #pathOf(key: string): string {
    return `${this.#directory}/${createHash('sha256').update(key).digest('hex')}`;
  }
}
