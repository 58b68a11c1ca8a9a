import { urlOf } from '../../domain/store/protocol.ts';
import type { TransferRow } from '../../ports/rules.ts';
import type { Stores } from '../stores/store-access.ts';
import type { PlannedTransfer } from './plan-transfer.ts';

/**
 * What an earlier owner of the request has given to a tool, as an attempt of this one: it goes where it was said to go. `planned`: what
 * would be asked of the tool now, for want of another where it does not know it any more. Undefined: no profile here names the store.
 */
export function planAdopted(
  { place: key, lastSource, handedOver }: Pick<TransferRow, 'place' | 'lastSource' | 'handedOver'>,
  store: string,
  { stores, planned }: { readonly stores: Stores; readonly planned: PlannedTransfer | undefined },
): PlannedTransfer | undefined {
  const protocol = handedOver?.protocol ?? '';
  const written = stores.get(store)?.protocols.find(({ name }) => name === writtenBy(protocol));
  if (written === undefined) return undefined;
  const way = { source: lastSource ?? '', protocol };
  const nothing = { kind: 'planned', sources: [], sourceWays: [], ways: [way], rejected: [] } as const;
  const destination = { store: written.place, key, url: urlOf(written.place, key) };
  return { ...(planned ?? nothing), destination, way };
}

/** Of a way as attempts are told of it, the name of the destination's protocol. */
function writtenBy(protocol: string): string {
  return protocol.slice(protocol.lastIndexOf('→') + 1);
}
