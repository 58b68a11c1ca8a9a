import { createHash } from 'node:crypto';
import type { Body } from '../../ports/storage.ts';

/** One body read once, given to several consumers in step, and hashed on the way. */
export interface FanOut {
  readonly branches: readonly AsyncIterable<Uint8Array>[];
  /** Lower-case hex and bytes, once the body was read to its end; before that, undefined. */
  digest(): { readonly sha256: string; readonly size: number } | undefined;
}

/**
 * A chunk is given to all branches, and the next one is asked for when all have asked (so buffers may be reused). A branch that
 * returns early is left behind and holds nobody up. A body that fails fails every branch, and so does `onChunk`, which is told of
 * each chunk how many bytes are given out.
 */
export function fanOut(body: Body, count: number, onChunk?: (bytes: number) => Promise<void>): FanOut {
  const hash = createHash('sha256');
  const iterator = body instanceof Uint8Array ? [body].values() : body[Symbol.asyncIterator]();
  let size = 0;
  let digest: { sha256: string; size: number } | undefined;
  let active = count;
  let waiting: { resolve: (step: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void }[] = [];
  let pulling = false;

  const pull = async (): Promise<void> => {
    if (pulling || active === 0 || waiting.length < active) return;
    pulling = true;
    const round = waiting;
    waiting = [];
    try {
      const step = await iterator.next();
      if (step.done === true) digest ??= { sha256: hash.digest('hex'), size };
      else {
        hash.update(step.value);
        size += step.value.length;
        await onChunk?.(step.value.length * round.length);
      }
      pulling = false;
      const result: IteratorResult<Uint8Array> = step.done === true ? { done: true, value: undefined } : step;
      for (const one of round) one.resolve(result);
    } catch (error) {
      pulling = false;
      for (const one of round) one.reject(error);
    }
  };

  const branch = (): AsyncIterable<Uint8Array> => {
    let left = false;
    const leave = async (): Promise<IteratorResult<Uint8Array>> => {
      if (!left) {
        left = true;
        active--;
        if (active === 0 && digest === undefined) await iterator.return?.(undefined);
        else await pull();
      }
      return { done: true, value: undefined };
    };
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve, reject) => {
            waiting.push({ resolve, reject });
            void pull();
          }),
        return: leave,
      }),
    };
  };
  return { branches: Array.from({ length: count }, branch), digest: () => digest };
}
