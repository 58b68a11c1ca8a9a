import { parentPort } from 'node:worker_threads';
import { StorageError, type StorageErrorKind } from '../../ports/storage.ts';
import type { ListingColumns } from './listing-columns.ts';
import { type WalkOptions, walk } from './walk.ts';

/** Asked of the thread: begin a walk, give so many more pages of it, forget it. */
export type ListingRequest =
  | { readonly kind: 'begin'; readonly id: number; readonly options: WalkOptions; readonly credit: number }
  | { readonly kind: 'more'; readonly id: number; readonly credit: number }
  | { readonly kind: 'stop'; readonly id: number };

export type ListingAnswer =
  | { readonly kind: 'page'; readonly id: number; readonly columns: ListingColumns }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'error'; readonly id: number; readonly error: { kind: StorageErrorKind; message: string } };

/** Walks in pages as far as the reader's credit goes, so that a slow reader never makes a queue. */
class Walks {
  readonly #walks = new Map<number, ReturnType<typeof walk>>();
  readonly #send: (answer: ListingAnswer, transfer: ArrayBuffer[]) => void;

  constructor(send: (answer: ListingAnswer, transfer: ArrayBuffer[]) => void) {
    this.#send = send;
  }

  handle(request: ListingRequest): void {
    if (request.kind === 'stop') {
      this.#walks.get(request.id)?.return(undefined);
      this.#walks.delete(request.id);
      return;
    }
    if (request.kind === 'begin') this.#walks.set(request.id, walk(request.options));
    this.#advance(request.id, request.credit);
  }

  #advance(id: number, credit: number): void {
    const pages = this.#walks.get(id);
    if (pages === undefined) return;
    try {
      for (let given = 0; given < credit; given++) {
        const step = pages.next();
        if (step.done === true) {
          this.#walks.delete(id);
          this.#send({ kind: 'end', id }, []);
          return;
        }
        const columns = step.value;
        this.#send({ kind: 'page', id, columns }, [
          columns.sizes.buffer,
          columns.seconds.buffer,
          columns.nanoseconds.buffer,
        ]);
      }
    } catch (error) {
      this.#walks.delete(id);
      const kind = error instanceof StorageError ? error.kind : 'unavailable';
      this.#send({ kind: 'error', id, error: { kind, message: (error as Error).message } }, []);
    }
  }
}

const port = parentPort;
if (port !== null) {
  const walks = new Walks((answer, transfer) => port.postMessage(answer, transfer));
  port.on('message', (request: ListingRequest) => walks.handle(request));
}
