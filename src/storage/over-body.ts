import type { Body } from '../ports/storage.ts';

export interface OverBody {
  /** In place of each step; it must take the step by calling `next`. */
  next?(next: () => Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>>;
  /** Exactly once: after the last chunk, after a failure, or when the reader returned the body early. */
  end?(failure?: { readonly error: unknown }): void;
}

/**
 * A body of chunks with something done at each step and at its end. Not a generator: a generator that is returned before
 * its first step never runs its `finally`, and would leave the connection below open.
 */
export function overBody(
  body: AsyncIterable<Uint8Array>,
  { next = (step) => step(), end }: OverBody,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const inner = body[Symbol.asyncIterator]();
      let isOpen = true;
      const close = (failure?: { readonly error: unknown }): void => {
        if (!isOpen) return;
        isOpen = false;
        end?.(failure);
      };
      return {
        async next() {
          try {
            const step = await next(() => inner.next());
            if (step.done === true) close();
            return step;
          } catch (error) {
            close({ error });
            throw error;
          }
        },
        async return() {
          close();
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** The same for any body: one that is whole has ended already. */
export function overAnyBody(body: Body, changed: OverBody): Body {
  if (!(body instanceof Uint8Array)) return overBody(body, changed);
  changed.end?.();
  return body;
}
