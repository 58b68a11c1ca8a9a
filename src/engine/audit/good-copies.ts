import type { ObjectName } from '../../domain/object/object-name.ts';
import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Stores } from '../stores/store-access.ts';

/** Whether a good copy of the object is left anywhere; of one that was deleted none is missed. */
export async function hasGoodCopy(
  { catalog, stores }: { readonly catalog: Pick<Catalog, 'readObject'>; readonly stores: Stores },
  { scope, name }: ObjectName,
): Promise<boolean> {
  const row = await catalog.readObject(scope, name);
  if (row === undefined || row.current.content.kind === 'tombstone') return true;
  return row.replicas.some(({ store, versionId, state, verification, soft }) =>
    isGoodCopy({
      state,
      verification,
      isSoft: soft === true,
      isCurrent: versionId === row.current.id,
      isInMemory: stores.get(store)?.isInMemory === true,
      sharesBytes: false,
      isCache: false,
    }),
  );
}
