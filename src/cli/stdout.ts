import { fstatSync } from 'node:fs';
import { writeWhole } from './write-whole.ts';

let failure: string | undefined;
let isWatched = false;

/** From then on nothing that happens to stdout ends the process: a reader that went away is no error, a full disk is told at the end. */
export function watchStdout(): void {
  if (isWatched) return;
  isWatched = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error.code === 'ENOSPC' ? 'no space is left on the device' : error.message;
  });
}

/** Why what was printed is not all there; undefined: it is, or nobody reads it. */
export function stdoutFailure(): string | undefined {
  return failure;
}

let isFile: boolean | undefined;

/**
 * `onTaken` is called when there is room for more. Node gives a file what it is to write once, and does not look at how much of it
 * was taken: on a disk that fills up the rest would be missing, and nobody told.
 */
export function writeStdout(chunk: string | Uint8Array, onTaken: () => void = () => undefined): void {
  isFile ??= fstatSync(process.stdout.fd).isFile();
  if (!isFile) return void process.stdout.write(chunk, () => onTaken());
  try {
    writeWhole(process.stdout.fd, typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  } catch (error) {
    process.stdout.emit('error', error);
  }
  onTaken();
}
