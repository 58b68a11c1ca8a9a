import os from 'node:os';
import { decodeFileMark, type FileMark, MARK_ATTRIBUTE, MARK_BYTES_MAX, NO_MARK } from './file-mark.ts';
import type { NativeFiles } from './native.ts';

const { ENOTSUP, ERANGE } = os.constants.errno;
/** Most marks are short, and the whole buffer is handed over with each call. */
const shortBuffer = Buffer.allocUnsafe(256);

/** The mark of an open file; undefined where the file system keeps no extended attributes: it may have a sidecar. */
export function readMark(native: NativeFiles, fd: number): FileMark | undefined {
  let buffer = shortBuffer;
  let length = native.getAttribute(fd, MARK_ATTRIBUTE, buffer);
  if (length === -ERANGE) {
    buffer = Buffer.allocUnsafe(MARK_BYTES_MAX);
    length = native.getAttribute(fd, MARK_ATTRIBUTE, buffer);
  }
  if (length >= 0) return decodeFileMark(buffer.subarray(0, length));
  return length === -ENOTSUP ? undefined : NO_MARK;
}
