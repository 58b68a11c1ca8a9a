import fs, { type BigIntStats } from 'node:fs';

export type FileKind = 'file' | 'directory' | 'link' | 'other';

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = fs.constants;
const KINDS = new Map<number, FileKind>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'link'],
]);
const PERMISSIONS = 0o777;
const NS_PER_S = 1_000_000_000n;
const NS_DIGITS = 9;
const NINE_DIGITS_MIN = 100_000_000;

/** What one look at a file told. Time is kept in two numbers: of most files nobody asks it as one, and a bigint is dear. */
export class FileStatus {
  readonly kind: FileKind;
  /** Permission bits. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Last modification, whole seconds since 1970 (before it: rounded down). */
  readonly seconds: number;
  /** … and what is to be added, 0 … 999,999,999. */
  readonly nanoseconds: number;
  readonly #ino: number | bigint;

  constructor(told: {
    /** `st_mode`: type and permissions. */
    typeAndMode: number;
    ino: number | bigint;
    size: number;
    seconds: number;
    nanoseconds: number;
  }) {
    this.kind = KINDS.get(told.typeAndMode & S_IFMT) ?? 'other';
    this.mode = told.typeAndMode & PERMISSIONS;
    this.size = told.size;
    this.seconds = told.seconds;
    this.nanoseconds = told.nanoseconds;
    this.#ino = told.ino;
  }

  /** The tokens are equal. */
  isSame(other: FileStatus): boolean {
    return (
      this.#ino === other.#ino &&
      this.size === other.size &&
      this.nanoseconds === other.nanoseconds &&
      this.seconds === other.seconds
    );
  }

  get modifiedNs(): bigint {
    return joinTime(this.seconds, this.nanoseconds);
  }

  /**
   * POSIX token: inode, size and modification time in nanoseconds (docs/versions.md, "Tokens"). A rename keeps all three, so
   * the token of a staged file is the token of the published one.
   */
  get token(): string {
    const { seconds, nanoseconds } = this;
    const time = seconds > 0 ? `${seconds}${nineDigits(nanoseconds)}` : this.modifiedNs;
    return `${this.#ino}.${this.size}.${time}`;
  }
}

function nineDigits(nanoseconds: number): string | number {
  return nanoseconds >= NINE_DIGITS_MIN ? nanoseconds : String(nanoseconds).padStart(NS_DIGITS, '0');
}

export function joinTime(seconds: number, nanoseconds: number): bigint {
  return BigInt(seconds) * NS_PER_S + BigInt(nanoseconds);
}

export function toFileStatus(stats: BigIntStats): FileStatus {
  const nanoseconds = ((stats.mtimeNs % NS_PER_S) + NS_PER_S) % NS_PER_S;
  return new FileStatus({
    typeAndMode: Number(stats.mode),
    ino: stats.ino,
    size: Number(stats.size),
    seconds: Number((stats.mtimeNs - nanoseconds) / NS_PER_S),
    nanoseconds: Number(nanoseconds),
  });
}
