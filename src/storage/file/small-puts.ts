import { Worker } from 'node:worker_threads';
import { type Published, StorageError, type WholeObject } from '../../ports/storage.ts';
import type { FileStorageOptions } from './file-storage.ts';
import type { PutAnswer, PutQuestion } from './small-puts-thread.ts';

interface Asked {
  readonly objects: readonly WholeObject[];
  readonly resolve: (outcomes: readonly (Published | StorageError)[]) => void;
  readonly reject: (error: StorageError) => void;
}

/**
 * Puts small files in a thread of their own, many at a time. There the calls block, and none of them is waited for by way of another thread,
 * which costs several times as much as what a small file is written with.
 */
export class SmallPuts {
  readonly #options: FileStorageOptions;
  #worker: Worker | undefined;
  #lastId = 0;
  readonly #asked = new Map<number, Asked>();

  constructor(options: FileStorageOptions) {
    this.#options = options;
  }

  /** Fails as a whole where the thread does: then nobody knows what was put. */
  put(objects: readonly WholeObject[]): Promise<readonly (Published | StorageError)[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly (Published | StorageError)[]>();
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#lastId;
    this.#asked.set(id, { objects, resolve, reject });
    worker.ref();
    // One buffer of their own: a part of a larger one would take all of that along.
    const bytes = new Uint8Array(objects.reduce((sum, one) => sum + one.bytes.length, 0));
    let at = 0;
    for (const one of objects) {
      bytes.set(one.bytes, at);
      at += one.bytes.length;
    }
    const told = objects.map(({ key, bytes: { length }, options: { attributes, mark } }) => ({
      key,
      length,
      options: { attributes, mark },
    }));
    worker.postMessage({ id, bytes, objects: told } satisfies PutQuestion, [bytes.buffer]);
    return promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL(`./small-puts-thread${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: this.#options,
      name: 'pando-small-puts',
      resourceLimits: { maxYoungGenerationSizeMb: 16 },
    });
    let why = 'the thread that writes small files ended';
    worker.on('message', (answer: PutAnswer) => this.#answer(answer));
    worker.on('error', (error) => (why = error.message));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const [id, { reject }] of this.#asked) {
        this.#asked.delete(id);
        reject(new StorageError('unavailable', { store: this.#options.name }, why));
      }
    });
    return worker;
  }

  #answer({ id, outcomes }: PutAnswer): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#worker?.unref();
    asked?.resolve(
      outcomes.map((outcome, at) => {
        if (!('kind' in outcome)) return outcome;
        const where = { store: this.#options.name, key: asked.objects[at]?.key ?? '' };
        return new StorageError(outcome.kind, where, outcome.why);
      }),
    );
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}
