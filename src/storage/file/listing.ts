import { Worker } from 'node:worker_threads';
import { type ListingPage, StorageError } from '../../ports/storage.ts';
import { hasEntries } from './has-entries.ts';
import { fromColumns } from './listing-columns.ts';
import type { ListingAnswer, ListingRequest } from './listing-thread.ts';
import type { WalkOptions } from './walk.ts';

/** Pages on their way from the thread: enough that it never waits for a reader that keeps up. */
const PAGES_AHEAD = 8;

/** An idle thread is kept for the next listing; more than one at a time get a thread each. */
const idle: ListingThread[] = [];
const IDLE_MAX = 2;
/** Names of one directory are sorted in memory. */
const HEAP_MB = 256;
const TOO_MANY_ENTRIES = `a directory has more entries than can be sorted in ${HEAP_MB} MB (some two millions): spread them over several`;

class ListingThread {
  readonly #worker = new Worker(new URL(`./listing-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8 },
  });
  #receive: ((answer: ListingAnswer) => void) | undefined;
  #lastId = 0;
  #isDead = false;

  constructor() {
    this.#worker.on('message', (answer: ListingAnswer) => {
      if (answer.id === this.#lastId) this.#receive?.(answer);
    });
    let why = 'its thread ended';
    this.#worker.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? TOO_MANY_ENTRIES : error.message;
    });
    this.#worker.on('exit', () => {
      this.#isDead = true;
      const at = idle.indexOf(this);
      if (at >= 0) idle.splice(at, 1);
      const error = { kind: 'unavailable', message: `the listing stopped: ${why}` } as const;
      this.#receive?.({ kind: 'error', id: this.#lastId, error });
    });
    this.#worker.unref();
  }

  begin(options: WalkOptions, receive: (answer: ListingAnswer) => void): void {
    this.#receive = receive;
    this.#worker.ref();
    this.#post({ kind: 'begin', id: ++this.#lastId, options, credit: PAGES_AHEAD });
  }

  more(): void {
    this.#post({ kind: 'more', id: this.#lastId, credit: 1 });
  }

  release(): void {
    this.#post({ kind: 'stop', id: this.#lastId });
    this.#receive = undefined;
    this.#lastId++;
    if (this.#isDead) return;
    this.#worker.unref();
    if (idle.length < IDLE_MAX) idle.push(this);
    else void this.#worker.terminate();
  }

  #post(request: ListingRequest): void {
    this.#worker.postMessage(request);
  }
}

/** Starts threads for listings of these roots, which are soon asked for; a thread takes longer to start than a small tree to be walked. */
export async function warmListings(roots: readonly string[]): Promise<void> {
  const worth = await Promise.all(roots.map((root) => hasEntries(root).catch(() => false)));
  const count = worth.filter(Boolean).length;
  while (idle.length < Math.min(count, IDLE_MAX)) idle.push(new ListingThread());
}

/** A walk carried out in a thread, so that the event loop stays free and two trees are walked at once. */
export async function* listInThread(
  options: WalkOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListingPage> {
  const where = { store: options.store };
  if (signal?.aborted) throw new StorageError('aborted', where, 'the listing was stopped', signal.reason);
  const thread = idle.pop() ?? new ListingThread();
  const answers: ListingAnswer[] = [];
  let wake: (() => void) | undefined;
  const stop = (): void => wake?.();
  thread.begin(options, (answer) => {
    answers.push(answer);
    wake?.();
  });
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      if (signal?.aborted) throw new StorageError('aborted', where, 'the listing was stopped', signal.reason);
      const answer = answers.shift();
      if (answer === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      } else if (answer.kind === 'end') return;
      else if (answer.kind === 'error')
        throw new StorageError(answer.error.kind, where, withoutStore(answer.error.message, options.store));
      else {
        thread.more();
        yield fromColumns(answer.columns);
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    thread.release();
  }
}

function withoutStore(message: string, store: string): string {
  return message.startsWith(`${store}: `) ? message.slice(store.length + 2) : message;
}
