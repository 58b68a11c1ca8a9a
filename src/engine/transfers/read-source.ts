import type { TransferOutcome, TransferRow } from '../../ports/rules.ts';
import type { Stores } from '../stores/store-access.ts';
import type { Arrived } from './confirm-arrival.ts';
import type { PlannedTransfer } from './plan-transfer.ts';

export interface SourceRead {
  readonly scope: string;
  readonly versionId: number;
  readonly row: TransferRow | undefined;
  readonly planned: PlannedTransfer | undefined;
  readonly arrived: Arrived | undefined;
  readonly stores: Stores;
}

/**
 * The source of a copy that arrived, where it was only seen before: by this attempt it was read from the first byte to the last and hashed,
 * under the token it was seen with, so it is verified (docs/replicas.md). What it should hash to is known, or it is the scope's source,
 * whose bytes *are* the object.
 */
export function findReadSource({
  scope,
  versionId,
  row,
  planned,
  arrived,
  stores,
}: SourceRead): TransferOutcome['readSource'] {
  const used = planned?.sources.find(({ store }) => store === arrived?.source);
  if (used?.token === undefined || arrived?.checksums['sha256'] === undefined) return undefined;
  // By its own protocol only: others have tokens of their own.
  const replica = row?.replicas.find((one) => one.store === used.store && one.versionId === versionId);
  if (replica?.state !== 'UNVERIFIED' || replica.token !== used.token) return undefined;
  const isKnown = row?.content.sha256 !== undefined || stores.get(replica.store)?.sourceOf.includes(scope) === true;
  return isKnown ? { store: replica.store, place: replica.place, token: used.token } : undefined;
}
