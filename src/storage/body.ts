import type { Body } from '../ports/storage.ts';

/** The chunks of a body, as an iterator that is returned exactly once and gives up waiting when the signal aborts. */
export interface Chunks {
  /** The next chunk, or undefined at the end. Rejects with the signal's reason, or with what the body threw. */
  next(): Promise<Uint8Array | undefined>;
  /** Free what the body holds; safe at any time, also twice. A body that hangs is not waited for. */
  close(): void;
}

/** A body is read through this, so that a source which never answers cannot hold its reader for ever. */
export function openChunks(body: Body, signal?: AbortSignal): Chunks {
  return body instanceof Uint8Array ? wholeChunk(body, signal) : streamedChunks(body, signal);
}

function wholeChunk(bytes: Uint8Array, signal: AbortSignal | undefined): Chunks {
  let rest: Uint8Array | undefined = bytes.length === 0 ? undefined : bytes;
  return {
    async next() {
      signal?.throwIfAborted();
      const chunk = rest;
      rest = undefined;
      return chunk;
    },
    close() {
      rest = undefined;
    },
  };
}

function streamedChunks(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Chunks {
  const iterator = body[Symbol.asyncIterator]();
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    iterator.return?.().then(undefined, ignore);
  };
  return {
    async next() {
      if (closed) return undefined;
      signal?.throwIfAborted();
      const step = signal === undefined ? await iterator.next() : await orAborted(iterator.next(), signal);
      if (step.done === true) {
        closed = true;
        return undefined;
      }
      return step.value;
    },
    close,
  };
}

/** The promise's outcome, or the signal's reason, whichever comes first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** An error nobody can act on: the body is given up anyway. */
function ignore(): void {}
