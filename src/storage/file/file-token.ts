import type { BigIntStats } from 'node:fs';

/**
 * POSIX token: inode, size and modification time in nanoseconds (docs/versions.md, "Tokens"). A rename keeps all three, so
 * the token of a staged file is the token of the published one.
 */
export function fileToken(stats: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs'>): string {
  return `${stats.ino}.${stats.size}.${stats.mtimeNs}`;
}
