import { ClosedStores } from '../../domain/store/closed-stores.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { deleteObject, type DeleteArguments, type DeletePorts, type DeleteResult } from '../delete-object.ts';
import type { ObjectScope } from '../opened-scope.ts';
import type { Stores } from '../stores/store-access.ts';

type DeleteUploadedPorts = DeletePorts & {
  readonly catalog: Pick<RuleCatalog, 'readStoreUse'>;
  readonly stores: Stores;
};

/**
 * Deletes an object of a scope without a source, wherever uploads and rules put it (docs/uploads.md, "Deleting"). Copies at stores that
 * cannot be asked now are left to workers. Fails with `ObjectError`.
 */
export async function deleteUploaded(
  ports: DeleteUploadedPorts,
  { scope, name }: ObjectName,
  options: Pick<DeleteArguments, 'ifVersion' | 'signal'>,
): Promise<DeleteResult> {
  const { stores, catalog } = ports;
  const opened: ObjectScope = {
    name: scope,
    title: scope,
    source: undefined,
    replicas: [],
    openElsewhere: async (place) =>
      stores
        .get(place)
        ?.protocols.find((protocol) => protocol.place === place)
        ?.open(),
    availability: new ClosedStores(stores.values(), await catalog.readStoreUse()),
    consistency: 'validated',
    deadlineMs: Math.max(0, ...[...stores.values()].map(({ deadlineMs }) => deadlineMs)),
  };
  return deleteObject(ports, { ...options, scope: opened, name });
}
