import { type Storage, StorageError } from '../../ports/storage.ts';
import type { StoreAccess } from './store-access.ts';

/** By its own protocol: its tokens are those the catalog knows. */
export async function openOwn(access: StoreAccess): Promise<Storage> {
  const own = access.protocols.find(({ place }) => place === access.place);
  if (own === undefined)
    throw new StorageError('unsupported', { store: access.name }, 'it has no protocol of its own here');
  return own.open();
}
