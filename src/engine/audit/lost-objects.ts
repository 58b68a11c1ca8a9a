import type { ObjectName } from '../../domain/object/object-name.ts';
import { isLost } from '../../domain/replica/lost.ts';
import type { Catalog } from '../../ports/catalog.ts';

/** Whether no copy of the object is left that could be good; one that was deleted is not missed. */
export async function isObjectLost(
  { readObject }: Pick<Catalog, 'readObject'>,
  { scope, name }: ObjectName,
): Promise<boolean> {
  const row = await readObject(scope, name);
  if (row === undefined || row.current.content.kind === 'tombstone') return false;
  const current = row.replicas.filter(({ versionId }) => versionId === row.current.id);
  return isLost(current.map(({ state, token }) => ({ state, hasBytes: token !== undefined })));
}
