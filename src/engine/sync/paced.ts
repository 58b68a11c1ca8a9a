import { type Body, StorageError } from '../../ports/storage.ts';

/** Lets so many bytes pass. */
export interface Pace {
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** How fast bytes may go to a target from a store of a pool, counted as `CopyItem.wanted` does; undefined: as fast as they go. */
export type PaceBetween = (store: number, target: number) => Pace | undefined;

export interface PacedTo {
  readonly pace: Pace | undefined;
  readonly where: { readonly store: string; readonly key: string };
  readonly signal: AbortSignal;
}

export async function payFor(bytes: Uint8Array, { pace, where, signal }: PacedTo): Promise<void> {
  await pace?.take(bytes.length, signal).catch((reason: unknown) => {
    throw new StorageError('aborted', where, 'it was aborted', reason);
  });
}

/** The same chunks, each when it may pass. */
export function paced(body: AsyncIterable<Uint8Array>, to: PacedTo): Body {
  return to.pace === undefined ? body : payForEach(body, to);
}

async function* payForEach(body: AsyncIterable<Uint8Array>, to: PacedTo): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    await payFor(chunk, to);
    yield chunk;
  }
}
