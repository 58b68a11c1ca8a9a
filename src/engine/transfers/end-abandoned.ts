import type { AbandonedTransfer } from '../../ports/handed-over.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { askStore } from '../ask-store.ts';
import { hashStored } from '../hash-stored.ts';
import { headOrMissing } from '../observe-object.ts';
import { waysTo } from '../stores/store-access.ts';
import type { ExternalTool } from './external-tool.ts';
import type { TransferPorts } from './run-transfers.ts';

export type AbandonedPorts = Pick<
  TransferPorts,
  'clock' | 'health' | 'events' | 'stores' | 'clientSite' | 'externals' | 'telling'
> & {
  readonly catalog: Pick<Catalog & RuleCatalog, 'listAbandoned' | 'forgetAbandoned' | 'readObject' | 'readMarks'>;
};

/** Looked after in one turn. */
const ABANDONED_MAX = 1_000;

/**
 * Cancelled requests of which a tool may still carry out the transfer: it is told to end it, and what it brought is removed (I5). Any
 * number of workers may do it at once; what the tool does not answer for is left to the next turn. Returns how many are over.
 */
export async function endAbandoned(ports: AbandonedPorts): Promise<number> {
  const externals = ports.externals ?? [];
  if (externals.length === 0) return 0;
  const abandoned = await ports.catalog.listAbandoned(
    externals.map(({ name }) => name),
    ABANDONED_MAX,
  );
  let count = 0;
  for (const [name, ofTool] of Map.groupBy(abandoned, ({ tool }) => tool)) {
    const external = externals.find((one) => one.name === name) as ExternalTool;
    try {
      const over = await endAll(ports, external, ofTool);
      await ports.catalog.forgetAbandoned(over);
      count += over.length;
    } catch (error) {
      ports.telling?.info?.('transfers that nobody wants could not be ended', { tool: name, why: String(error) });
    }
  }
  return count;
}

async function endAll(
  ports: AbandonedPorts,
  { tool }: ExternalTool,
  abandoned: readonly AbandonedTransfer[],
): Promise<readonly AbandonedTransfer[]> {
  const { batchMax } = tool.capabilities;
  const over: AbandonedTransfer[] = [];
  for (let from = 0; from < abandoned.length; from += batchMax) {
    const part = abandoned.slice(from, from + batchMax);
    const ids = part.map(({ attempt }) => tool.idOf(attempt));
    await tool.cancel(ids);
    const statuses = await tool.poll(ids);
    for (const [at, one] of part.entries()) {
      const status = statuses[at];
      if (status?.kind !== 'final') continue;
      if (status.outcome.kind !== 'arrived' || (await removeArrived(ports, one))) over.push(one);
    }
  }
  return over;
}

/** True: nothing of it is left, or what lies there is not its work. */
async function removeArrived(
  ports: AbandonedPorts,
  { scope, name, versionId, store }: AbandonedTransfer,
): Promise<boolean> {
  const { catalog, stores, events } = ports;
  const row = await catalog.readObject(scope, name);
  const here = row?.replicas.filter((one) => one.store === store) ?? [];
  const replica = here.find((one) => one.versionId === versionId);
  // Given up, and its bytes are about to be condemned: until then somebody may ask for it again.
  if (replica?.state === 'UNAVAILABLE') return false;
  // Asked for again meanwhile, or nobody knows where it was to lie.
  if (replica === undefined || replica.state !== 'BEING_DELETED') return true;
  if (here.some((one) => one !== replica && one.place === replica.place)) return true;
  const destination = stores.get(store);
  if (destination === undefined) return false;
  const [by] = waysTo(destination, 'delete', { clientSite: ports.clientSite, fraction: 0 });
  if (by === undefined) return false;
  try {
    const [mark] = await catalog.readMarks([versionId]);
    const asked = {
      storage: await by.open(),
      key: replica.place,
      deadlineMs: destination.deadlineMs,
      sha256: mark?.sha256,
    };
    await removeExactly(ports, asked);
    return true;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    events.report({ kind: 'late-copy-left', scope, name, store, detail: error.message });
    return false;
  }
}

/** Nothing marks what a tool brings: these very bytes go, and no others. */
async function removeExactly(
  ports: AbandonedPorts,
  asked: {
    readonly storage: Storage;
    readonly key: string;
    readonly deadlineMs: number;
    readonly sha256: string | undefined;
  },
): Promise<void> {
  const { storage, key, sha256 } = asked;
  const question = { storage, key, deadlineMs: asked.deadlineMs, signal: undefined };
  const head = await headOrMissing(() => askStore(ports, question, (signal) => storage.head(key, { signal })));
  if (head === undefined || sha256 === undefined || (await hashStored(ports, question, head)) !== sha256) return;
  await askStore(ports, question, (signal) => storage.delete(key, { ifToken: head.token, signal }));
}
