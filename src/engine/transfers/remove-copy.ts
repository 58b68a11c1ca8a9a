import { StorageError } from '../../ports/storage.ts';
import { takeBack } from '../take-back.ts';
import { waysTo } from '../stores/store-access.ts';
import type { Arrived } from './confirm-arrival.ts';
import type { HeldTransfer } from './held-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';

type RemovePorts = Pick<TransferPorts, 'catalog' | 'events' | 'stores'>;

/** The lease was lost, or nobody wants the copy any more: it goes where it is still as it was written (I5). */
export async function takeBackCopy(
  { catalog, stores, events }: RemovePorts,
  { request, row, planned }: HeldTransfer,
  arrived: Arrived | undefined,
): Promise<void> {
  if (arrived === undefined || arrived.wasThere || arrived.token === undefined || row === undefined) return;
  const now = await catalog.readObject(request.scope, request.name);
  const replica = now?.replicas.find((one) => one.store === request.store && one.versionId === request.versionId);
  // Somebody else goes on with it, and finds it there.
  if (now?.current.id === request.versionId && replica !== undefined && replica.state !== 'BEING_DELETED') return;
  const protocol = stores.get(request.store)?.protocols.find(({ place }) => place === planned?.destination.store);
  try {
    const storage = await protocol?.open();
    if (storage !== undefined)
      await takeBack(storage, { key: row.place, token: arrived.token, operation: row.operation });
  } catch (error) {
    const { scope, name, store } = request;
    events.report({ kind: 'late-copy-left', scope, name, store, detail: String(error) });
  }
}

/**
 * A tool has just brought other bytes than it was to: they go, so that the next attempt finds the place free. What is marked as this
 * version is not its work.
 */
export async function removeWrongCopy(
  { stores, events, clientSite }: Pick<TransferPorts, 'events' | 'stores' | 'clientSite'>,
  { request, row }: HeldTransfer,
): Promise<void> {
  const store = stores.get(request.store);
  const [protocol] = store === undefined ? [] : waysTo(store, 'delete', { clientSite, fraction: 0 });
  if (protocol === undefined || row === undefined) return;
  try {
    const storage = await protocol.open();
    const { token, mark } = await storage.head(row.place);
    if (mark?.operation !== row.operation) await storage.delete(row.place, { ifToken: token });
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'not-found') return;
    const { scope, name, store } = request;
    events.report({ kind: 'late-copy-left', scope, name, store, detail: String(error) });
  }
}
