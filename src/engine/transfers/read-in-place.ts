import { StorageError } from '../../ports/storage.ts';
import { FOUND } from './confirm-held.ts';
import type { EndedAttempt } from './decide-transfer.ts';
import { hashSource } from './hash-source.ts';
import type { HeldTransfer } from './held-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';

/** How an attempt ended that brings nothing: a copy that was only seen is read where it lies (docs/states.md, "Sources"). */
export async function readInPlace(
  ports: Pick<TransferPorts, 'clock' | 'health' | 'stores'>,
  { planned, row, signal }: HeldTransfer,
): Promise<Pick<EndedAttempt, 'outcome' | 'arrived' | 'tried'> | undefined> {
  if (planned === undefined || row === undefined) return undefined;
  const { size, sha256: wanted } = row.content;
  try {
    const { sha256, head } = await hashSource(ports, planned, { size, signal });
    if (wanted !== undefined && sha256 !== wanted) {
      const where = { store: planned.destination.store, key: row.place };
      throw new StorageError('corrupt', where, `its sha256 is ${sha256}`);
    }
    const found = { size, token: head.token, checksums: { sha256 }, verification: 'read-back' } as const;
    return { outcome: { kind: 'arrived' }, arrived: { ...FOUND, ...found }, tried: [] };
  } catch (error) {
    if (signal.aborted) return { outcome: { kind: 'interrupted' }, arrived: undefined, tried: [] };
    const kind = error instanceof StorageError ? error.kind : 'unavailable';
    const failure = { ...planned.way, at: 'source', kind } as const;
    const why = error instanceof Error ? error.message : String(error);
    return { outcome: { kind: 'failed', failure, why }, arrived: undefined, tried: [] };
  }
}
