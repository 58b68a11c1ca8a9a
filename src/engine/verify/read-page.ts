import type { Clock } from '../../ports/clock.ts';
import type { OnMoved, ReadItem, ReadOutcome, ReadPage } from '../../ports/copy-pool.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { hashBody } from '../sync/hash-object.ts';
import { Pulse } from '../sync/pulse.ts';

export interface ReadPageDeps {
  readonly clock: Clock;
  /** Indexed by `ReadItem.store`. */
  readonly stores: readonly Storage[];
  /** Copies read at once. One, where file calls block anyway. */
  readonly itemsAtOnce: number;
  readonly signal: AbortSignal;
  readonly onMoved: OnMoved;
}

/** What is read of a copy at once; smaller ones come whole. */
const READ_BYTES = 1024 * 1024;

/** Copies are read one after the other in a lane, into the same memory. */
interface Lane extends ReadPageDeps {
  readonly pulse: Pulse;
  readonly into: Uint8Array;
}

/** Reads each copy from its first byte to its last; one answer each, in order. */
export async function readPage(deps: ReadPageDeps, { items }: ReadPage): Promise<ReadOutcome[]> {
  const pulse = new Pulse(deps);
  const outcomes: ReadOutcome[] = Array.from({ length: items.length });
  let next = 0;
  const work = async (): Promise<void> => {
    const lane = { ...deps, pulse, into: Buffer.allocUnsafe(READ_BYTES) };
    for (let at = next++; at < items.length; at = next++) {
      outcomes[at] = deps.signal.aborted
        ? { kind: 'failed', failure: { kind: 'aborted', message: 'it was told to stop' } }
        : await readCopy(lane, items[at] as ReadItem);
    }
  };
  await Promise.all(Array.from({ length: Math.min(deps.itemsAtOnce, items.length) }, work));
  return outcomes;
}

/** What changes while it is read is looked at once more. */
async function readCopy(lane: Lane, item: ReadItem): Promise<ReadOutcome> {
  try {
    return await readWhole(lane, item, item.token);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.kind === 'precondition-failed' || error.kind === 'changed') {
      const again = await readWhole(lane, item, undefined).catch((cause: unknown) => cause);
      if (!(again instanceof Error)) return again as ReadOutcome;
    }
    return { kind: 'failed', failure: { kind: error.kind, message: error.message } };
  }
}

async function readWhole(
  { stores, pulse, into, signal }: Lane,
  { store, key }: ReadItem,
  ifToken: string | undefined,
): Promise<ReadOutcome> {
  const storage = stores[store] as Storage;
  const { head, body } = await storage.get(key, { into, signal, ...(ifToken === undefined ? {} : { ifToken }) });
  let moved = 0;
  const onChunk = (bytes: number): Promise<void> => {
    moved += bytes;
    return pulse.moved(bytes);
  };
  try {
    const { sha256, size } = await hashBody(body, onChunk);
    if (size !== head.size)
      throw new StorageError('corrupt', { store: storage.name, key }, `${size} of ${head.size} bytes could be read`);
    return { kind: 'read', head, sha256 };
  } catch (error) {
    pulse.takeBack(moved);
    throw error;
  }
}
