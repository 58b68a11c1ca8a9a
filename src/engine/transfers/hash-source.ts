import type { ObjectContent } from '../../domain/object/version.ts';
import { type Head, StorageError } from '../../ports/storage.ts';
import { askStore } from '../ask-store.ts';
import { hashStored } from '../hash-stored.ts';
import type { PlannedTransfer } from './plan-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';

export interface Hashed {
  readonly sha256: string;
  readonly head: Head;
}

type Wanted = Pick<ObjectContent, 'size'> & { readonly signal: AbortSignal };

/** What one of an attempt's sources holds, read from the first byte to the last. Fails with the `StorageError` of the last. */
export async function hashSource(
  { clock, health, stores }: Pick<TransferPorts, 'clock' | 'health' | 'stores'>,
  { sources }: Pick<PlannedTransfer, 'sources'>,
  { size, signal }: Wanted,
): Promise<Hashed> {
  const all = [...stores.values()].flatMap(({ protocols, deadlineMs }) =>
    protocols.map((protocol) => ({ protocol, deadlineMs })),
  );
  let failure: StorageError | undefined;
  for (const { store, key, token } of sources) {
    const way = all.find(({ protocol }) => protocol.place === store);
    if (way === undefined) continue;
    try {
      const storage = await way.protocol.open();
      const question = { storage, key, deadlineMs: way.deadlineMs, signal };
      const head = await askStore({ clock, health }, question, (aborted) => storage.head(key, { signal: aborted }));
      if (head.size === size && (token === undefined || head.token === token))
        return { sha256: await hashStored({ clock, health }, question, head), head };
      failure = new StorageError('changed', { store: storage.name, key }, 'the source holds something else');
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      failure = error;
    }
  }
  throw (
    failure ?? new StorageError('unavailable', { store: sources[0]?.store ?? '' }, 'no source can be read from here')
  );
}
