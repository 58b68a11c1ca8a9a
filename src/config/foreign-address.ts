/**
 * Whether this is how rsync, scp and their like write a place at another machine: `user@host:path`, `user@[::1]:path`. A path that
 * begins so is taken for a name here only where it exists.
 */
export function isForeignAddress(written: string): boolean {
  return /^[^\s/:@]+@(?:\[[^\s/\]]+\]|[^\s/:@]+):/.test(written);
}

export const FOREIGN_ADDRESS = 'is an address as rsync and scp write it, which Pando does not take';

export function remedyOfForeignAddress(written: string): string {
  return `for SFTP make a profile of type sftp (docs/stores.md); for a file or directory of that name write ./${written}`;
}
