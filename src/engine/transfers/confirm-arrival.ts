import type { TransferOutcome } from '../../ports/transfer-tool.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { Clock } from '../../ports/clock.ts';
import { hashStored } from '../hash-stored.ts';
import { askStore } from '../ask-store.ts';
import type { StoreHealth } from '../store-health.ts';
import type { StoreAccess } from '../stores/store-access.ts';

export type Arrived = TransferOutcome & { readonly kind: 'arrived' };

export interface Arrival {
  readonly destination: StoreAccess;
  /** The protocol by which it came. */
  readonly by: string;
  readonly key: string;
  readonly content: ObjectContent;
  readonly signal: AbortSignal;
}

/**
 * What a tool says has arrived is what was wanted: looked at, and where the tool vouches for nothing, read from the first byte to the
 * last (I2). Told with the token of the store's own protocol, by which it is known from then on; undefined where that cannot be asked
 * from here. Fails with `StorageError`: `corrupt` for other bytes.
 */
export async function confirmArrival(
  ports: { readonly clock: Clock; readonly health: StoreHealth },
  arrived: Arrived,
  { destination, by, key, content, signal }: Arrival,
): Promise<Arrived> {
  const isOwn = by === destination.place;
  if (isOwn && arrived.token !== undefined && arrived.verification !== 'none') return arrived;
  const own = destination.protocols[0];
  const used = destination.protocols.find(({ place }) => place === by) ?? own;
  let verification = arrived.verification;
  let token: string | undefined;
  for (const protocol of own === used ? [own] : [used, own]) {
    if (protocol === undefined) continue;
    try {
      const storage = await protocol.open();
      const head = await lookAt(ports, storage, { key, content, deadlineMs: destination.deadlineMs, signal });
      if (verification === 'none') {
        const question = { storage, key, deadlineMs: destination.deadlineMs, signal };
        const sha256 = await hashStored(ports, question, head);
        if (content.sha256 !== undefined && sha256 !== content.sha256)
          throw new StorageError('corrupt', { store: storage.name, key }, `its sha256 is ${sha256}`);
        verification = 'read-back';
      }
      if (protocol === own) token = head.token;
    } catch (error) {
      // The way it came by has to answer; the store's own need not be reachable from here.
      const isOptional = protocol === own && own !== used;
      if (!isOptional || !(error instanceof StorageError) || error.kind === 'corrupt') throw error;
    }
  }
  return { ...arrived, token, verification };
}

async function lookAt(
  ports: { readonly clock: Clock; readonly health: StoreHealth },
  storage: Storage,
  { key, content, deadlineMs, signal }: Pick<Arrival, 'key' | 'content' | 'signal'> & { readonly deadlineMs: number },
) {
  const head = await askStore(ports, { storage, key, deadlineMs, signal }, (aborted) =>
    storage.head(key, { signal: aborted }),
  );
  if (head.size !== content.size) {
    const where = { store: storage.name, key };
    throw new StorageError('corrupt', where, `it has ${head.size} bytes, and ${content.size} were to arrive`);
  }
  return head;
}
