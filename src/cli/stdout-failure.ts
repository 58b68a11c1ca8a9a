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
