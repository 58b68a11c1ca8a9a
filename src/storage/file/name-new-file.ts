import { closeSync, fstatSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import os from 'node:os';
import { errorCodeOf, systemError } from './file-errors.ts';
import { loadNativeFiles } from './native.ts';

const { EEXIST, ENOSYS } = os.constants.errno;

/**
 * Gives a file, whole and on disk, the name `to` beside it, in place of the one it has. Fails with `EEXIST` where anything has that
 * name by then: it stays as it is.
 *
 * One step of the file system where it has hard links, or a rename that does not replace (vfat, exfat and SMB have that one).
 * Where it has neither the name is reserved by an empty file, and that is replaced; see docs/reading.md, "Local files".
 */
export async function nameNewFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (errorCodeOf(error) === 'EEXIST') throw error;
    return renameToNew(from, to);
  }
  await rm(from, { force: true });
}

function renameToNew(from: string, to: string): void {
  const result = loadNativeFiles()?.renameNoReplace(from, to) ?? -ENOSYS;
  if (result === 0) return;
  if (result === -EEXIST) throw taken(to);
  // It cannot here. Whatever else is wrong, the other way meets it too, and tells it.
  replaceReservation(from, to);
}

/** Nothing of this process comes between its steps, so that others have no more than an instant. */
function replaceReservation(from: string, to: string): void {
  const reserved = openSync(to, 'wx');
  let isOurs = (): boolean => true;
  try {
    const { dev, ino } = fstatSync(reserved, { bigint: true });
    isOurs = () => {
      const there = lstatSync(to, { bigint: true, throwIfNoEntry: false });
      return there?.dev === dev && there.ino === ino && there.size === 0n;
    };
    // Open until it was looked at: only so long is an inode's number sure to be its own.
    if (!isOurs()) throw taken(to);
  } finally {
    closeSync(reserved);
  }
  try {
    renameSync(from, to);
  } catch (error) {
    if (isOurs()) rmSync(to, { force: true });
    throw error;
  }
}

function taken(to: string): Error {
  return Object.assign(systemError('rename', -EEXIST), { syscall: 'rename', path: to });
}
