import type { SFTPWrapper, Stats } from 'ssh2';
import { SftpFailure, STATUS, toFailure } from './sftp-errors.ts';

/** What one look at a name told. Version 3 of SFTP tells no inode, and times in whole seconds. */
export interface SftpStatus {
  readonly kind: 'file' | 'directory' | 'symlink' | 'special-file';
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** Last modification, seconds since 1970. */
  readonly seconds: number;
  /** Size and seconds: all there is (docs/stores.md, "SFTP"). */
  readonly token: string;
}

export interface SftpName {
  readonly name: string;
  readonly status: SftpStatus;
}

export interface FileSystemFacts {
  readonly isFull: boolean;
  readonly isReadOnly: boolean;
}

export type Handle = Buffer;

type Done<T> = (error?: Error | null, value?: T) => void;

/**
 * One SFTP channel: its requests as promises that fail with an `SftpFailure`, in the order they were sent. Many may be under way.
 * While any waits and no answer at all comes for `idleMs`, the session counts as hung and is given up.
 */
export class SftpSession {
  readonly #sftp: SFTPWrapper;
  readonly #idleMs: number;
  readonly #giveUp: () => void;
  readonly #waiting = new Set<(failure: SftpFailure) => void>();
  #ended: SftpFailure | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(sftp: SFTPWrapper, options: { readonly idleMs: number; giveUp(): void }) {
    this.#sftp = sftp;
    this.#idleMs = options.idleMs;
    this.#giveUp = () => options.giveUp();
    sftp.on('error', (error: Error) => this.end(toFailure(error)));
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Nothing is answered any more: all that waits fails. */
  end(failure: SftpFailure): void {
    this.#ended ??= failure;
    clearTimeout(this.#timer);
    for (const fail of this.#waiting) fail(this.#ended);
    this.#waiting.clear();
  }

  lstat(path: string): Promise<SftpStatus> {
    return this.#ask<Stats>((done) => this.#sftp.lstat(path, done)).then(toStatus);
  }

  fstat(handle: Handle): Promise<SftpStatus> {
    return this.#ask<Stats>((done) => this.#sftp.fstat(handle, done)).then(toStatus);
  }

  realpath(path: string): Promise<string> {
    return this.#ask((done) => this.#sftp.realpath(path, done));
  }

  openForReading(path: string): Promise<Handle> {
    return this.#ask((done) => this.#sftp.open(path, 'r', done));
  }

  /** A new file; fails where there is one. */
  create(path: string): Promise<Handle> {
    return this.#ask((done) => this.#sftp.open(path, 'wx', done));
  }

  close(handle: Handle): Promise<void> {
    return this.#ask((done) => this.#sftp.close(handle, done));
  }

  /** So many bytes from there, or fewer; none at the end. */
  async read(handle: Handle, position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    try {
      const count = await this.#ask<number>((done) => this.#sftp.read(handle, buffer, 0, length, position, done));
      return buffer.subarray(0, count);
    } catch (error) {
      if (error instanceof SftpFailure && error.status === STATUS.eof) return buffer.subarray(0, 0);
      throw error;
    }
  }

  /** The bytes are taken when this returns, and written when the promise resolves. */
  write(handle: Handle, bytes: Uint8Array, position: number): Promise<void> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#ask((done) => this.#sftp.write(handle, buffer, 0, buffer.length, position, done));
  }

  fsync(handle: Handle): Promise<void> {
    return this.#ask((done) => this.#sftp.ext_openssh_fsync(handle, done));
  }

  setMode(handle: Handle, mode: number): Promise<void> {
    return this.#ask((done) => this.#sftp.fchmod(handle, mode, done));
  }

  setTime(target: Handle | string, seconds: number): Promise<void> {
    return this.#ask((done) =>
      typeof target === 'string'
        ? this.#sftp.utimes(target, seconds, seconds, done)
        : this.#sftp.futimes(target, seconds, seconds, done),
    );
  }

  mkdir(path: string, mode?: number): Promise<void> {
    return this.#ask((done) => this.#sftp.mkdir(path, mode === undefined ? {} : { mode }, done));
  }

  rmdir(path: string): Promise<void> {
    return this.#ask((done) => this.#sftp.rmdir(path, done));
  }

  unlink(path: string): Promise<void> {
    return this.#ask((done) => this.#sftp.unlink(path, done));
  }

  /** Over what is there, in one step. */
  replace(from: string, to: string): Promise<void> {
    return this.#ask((done) => this.#sftp.ext_openssh_rename(from, to, done));
  }

  /** A second name; fails where there is something. */
  link(existing: string, name: string): Promise<void> {
    return this.#ask((done) => this.#sftp.ext_openssh_hardlink(existing, name, done));
  }

  /** All names of a directory but `.` and `..`. */
  async readDirectory(path: string): Promise<SftpName[]> {
    const handle = await this.#ask<Handle>((done) => this.#sftp.opendir(path, done));
    const names: SftpName[] = [];
    try {
      for (;;) {
        const some = await this.#ask<readonly { filename: string; attrs: Stats }[]>((done) =>
          this.#sftp.readdir(handle, done),
        );
        if (some.length === 0) return names;
        for (const { filename: name, attrs } of some)
          if (name !== '.' && name !== '..') names.push({ name, status: toStatus(attrs) });
      }
    } catch (error) {
      if (error instanceof SftpFailure && error.status === STATUS.eof) return names;
      throw error;
    } finally {
      this.close(handle).catch(() => undefined);
    }
  }

  async statvfs(path: string): Promise<FileSystemFacts> {
    const told = await this.#ask<{ f_bavail: number; f_favail: number; f_files: number; f_flag: number }>((done) =>
      this.#sftp.ext_openssh_statvfs(path, done),
    );
    const hasInodes = told.f_files === 0 || told.f_favail > 0;
    return { isFull: told.f_bavail === 0 || !hasInodes, isReadOnly: (told.f_flag & 1) !== 0 };
  }

  #ask<T>(send: (done: Done<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const settle = (): void => {
        this.#waiting.delete(reject);
        this.#awaitAnswer();
      };
      this.#waiting.add(reject);
      if (this.#timer === undefined) this.#awaitAnswer();
      try {
        send((error, value) => {
          settle();
          if (error === undefined || error === null) resolve(value as T);
          else reject(this.#ended ?? toFailure(error));
        });
      } catch (error) {
        settle();
        reject(toFailure(error));
      }
    });
  }

  #awaitAnswer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size === 0 || this.#ended !== undefined) return;
    this.#timer = setTimeout(() => {
      this.end(new SftpFailure('timeout', `no answer within ${this.#idleMs} ms`));
      this.#giveUp();
    }, this.#idleMs);
  }
}

const TYPE_BITS = 0o170000;
const KINDS = new Map<number, SftpStatus['kind']>([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);

function toStatus({ mode, size, mtime }: Stats): SftpStatus {
  const kind = KINDS.get(mode & TYPE_BITS) ?? 'special-file';
  return { kind, mode: mode & 0o777, size, seconds: mtime, token: `${size}.${mtime}` };
}
