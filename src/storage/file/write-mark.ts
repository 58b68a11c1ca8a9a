import os from 'node:os';
import { type Attributes, type Mark, StorageError } from '../../ports/storage.ts';
import { systemError } from './file-errors.ts';
import { encodeFileMark, MARK_ATTRIBUTE } from './file-mark.ts';
import type { NativeFiles } from './native.ts';

const { E2BIG, ENOSPC, ENOTSUP } = os.constants.errno;

/** So long a mark may be on every file system that keeps any: half the smallest block. */
const MARK_BYTES_SURE = 512;

export interface MarkedFile {
  readonly store: string;
  readonly key: string;
  readonly fd: number;
  readonly native: NativeFiles | undefined;
}

/** False where the file system keeps no extended attributes: the mark then becomes a sidecar when published. */
export function writeMark({ store, key, fd, native }: MarkedFile, mark: Mark, attributes: Attributes): boolean {
  const value = encodeFileMark(mark, attributes);
  const result = native?.setAttribute(fd, MARK_ATTRIBUTE, value) ?? -ENOTSUP;
  if (result === -ENOTSUP) return false;
  // Of most file systems a block is all the room a file has for it: a disk need not be full to say so.
  if (result === -E2BIG || (result === -ENOSPC && value.length > MARK_BYTES_SURE)) {
    const why = `its metadata takes ${value.length} bytes, more than the file system keeps with a file`;
    throw new StorageError('unsupported', { store, key }, why);
  }
  if (result < 0) throw systemError('the mark cannot be written', result);
  return true;
}
