import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import type { WayFailure } from '../../domain/transfer/next-way.ts';
import { StorageError } from '../../ports/storage.ts';
import { type Arrived, confirmArrival } from './confirm-arrival.ts';
import type { EndedAttempt } from './decide-transfer.ts';
import type { HeldTransfer } from './held-transfer.ts';
import { hashSource } from './hash-source.ts';
import { wayFrom } from './plan-transfer.ts';
import { removeWrongCopy } from './remove-copy.ts';
import type { TransferPorts } from './run-transfers.ts';

/** What lies at a destination that a tool found occupied, as if it had brought it. */
export const FOUND: Arrived = {
  kind: 'arrived',
  source: undefined,
  wasThere: true,
  size: undefined,
  checksums: {},
  token: undefined,
  verification: 'none',
  isLate: false,
  failed: [],
};

/**
 * How an attempt ended whose tool says that the bytes have arrived. `otherwise`: what it is where they are not there after all.
 * Undefined: nothing is known of it yet, and whoever claims the request next looks.
 */
export async function confirmHeld(
  ports: TransferPorts,
  held: HeldTransfer,
  {
    arrived,
    tried,
    otherwise,
  }: {
    readonly arrived: Arrived;
    readonly tried: readonly WayFailure[];
    readonly otherwise: AttemptOutcome | undefined;
  },
): Promise<Pick<EndedAttempt, 'outcome' | 'arrived' | 'tried'> | undefined> {
  const { request, row, planned, external } = held;
  const destination = ports.stores.get(request.store);
  if (destination === undefined || row === undefined || planned === undefined) return undefined;
  const { store: by } = planned.destination;
  const { place: key, content } = row;
  // What somebody else brought, or merely lies there, is compared with a source where nobody knows yet what was wanted.
  const isUncompared = content.sha256 === undefined && arrived.verification === 'none' && external !== undefined;
  let at: WayFailure['at'] = 'source';
  try {
    const asked = { size: content.size, signal: held.signal };
    const sha256 = isUncompared ? (await hashSource(ports, planned, asked)).sha256 : undefined;
    at = 'destination';
    const wanted = sha256 === undefined ? content : { ...content, sha256 };
    const confirmed = await confirmArrival(ports, arrived, {
      destination,
      by,
      key,
      content: wanted,
      signal: held.signal,
    });
    const checksums = sha256 === undefined ? confirmed.checksums : { sha256 };
    return { outcome: { kind: 'arrived' }, arrived: { ...confirmed, checksums }, tried };
  } catch (error) {
    if (held.signal.aborted)
      return external === undefined ? { outcome: { kind: 'interrupted' }, arrived: undefined, tried: [] } : undefined;
    if (otherwise !== undefined) return { outcome: otherwise, arrived: undefined, tried };
    const kind = error instanceof StorageError ? error.kind : 'unavailable';
    if (at === 'destination' && kind === 'corrupt' && external !== undefined && !arrived.wasThere)
      await removeWrongCopy(ports, held);
    const failure = { ...wayFrom(planned, arrived.source), at, kind } as const;
    const why = error instanceof Error ? error.message : String(error);
    return { outcome: { kind: 'failed', failure, why }, arrived: undefined, tried };
  }
}
