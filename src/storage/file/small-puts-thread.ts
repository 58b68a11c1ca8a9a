import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  type Published,
  type PublishRequest,
  type Storage,
  StorageError,
  type StorageErrorKind,
  type WholeObject,
} from '../../ports/storage.ts';
import { type FileStorageOptions, openFileStorage } from './file-storage.ts';

export interface PutQuestion {
  readonly id: number;
  /** Of all objects, one after the other. */
  readonly bytes: Uint8Array;
  readonly objects: readonly (Omit<WholeObject, 'bytes'> & { readonly length: number })[];
}

interface Failed {
  readonly kind: StorageErrorKind;
  readonly why: string;
}

export interface PutAnswer {
  readonly id: number;
  readonly outcomes: readonly (Published | Failed)[];
}

/** One after the other: what comes meanwhile waits in the port. */
function serve(port: MessagePort, storage: Storage): void {
  const answer = async (question: PutQuestion, before: Promise<void>): Promise<void> => {
    await before;
    port.postMessage({ id: question.id, outcomes: await put(storage, question) } satisfies PutAnswer);
  };
  let last: Promise<void> = Promise.resolve();
  port.on('message', (question: PutQuestion) => {
    last = answer(question, last);
  });
}

async function put(storage: Storage, { bytes, objects }: PutQuestion): Promise<readonly (Published | Failed)[]> {
  const outcomes: (Published | Failed)[] = [];
  const staged: { readonly at: number; readonly request: PublishRequest }[] = [];
  let from = 0;
  for (const [at, { key, length, options }] of objects.entries()) {
    const body = bytes.subarray(from, from + length);
    from += length;
    try {
      const one = storage.stageAtOnce?.(key, body, options) ?? (await storage.stage(key, body, options));
      staged.push({ at, request: { staged: one, options: { ifAbsent: true } } });
    } catch (error) {
      outcomes[at] = toFailed(error);
    }
  }
  const requests = staged.map(({ request }) => request);
  try {
    await storage.flush(requests.map((one) => one.staged));
    const published = await storage.publish(requests);
    for (const [index, { at }] of staged.entries()) {
      const one = published[index];
      outcomes[at] = one === undefined || one instanceof StorageError ? toFailed(one) : one;
    }
  } catch (error) {
    await storage.discard(requests.map((one) => one.staged)).catch(() => undefined);
    for (const { at } of staged) outcomes[at] = toFailed(error);
  }
  return outcomes;
}

function toFailed(error: unknown): Failed {
  if (error instanceof StorageError) return { kind: error.kind, why: error.why };
  return { kind: 'unavailable', why: error instanceof Error ? error.message : String(error) };
}

if (parentPort !== null) serve(parentPort, openFileStorage({ ...(workerData as FileStorageOptions), blocking: true }));
