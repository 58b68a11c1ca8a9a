import { type LeaseClaim, type LeaseHeld, StorageError, type StoreLease } from '../../ports/storage.ts';
import { claimedLease, findHolder, isProcessAlive, type LeaseRecord, parseLease } from '../store-lease.ts';
import type { DavPlace } from './dav-place.ts';
import { deleteOwn, type OwnDocument, readOwn, writeOwn } from './own-documents.ts';

const NAME = 'lease';
const LEASE_BYTES_MAX = 64 * 1024;
/** Others may take and lose the lease while we try; whoever is refused so often is told who has it. */
const ATTEMPTS_MAX = 4;

/** Takes `.pando/lease` by a write on a condition, and looks again: what the server does not enforce is advisory. */
export async function claimLease(place: DavPlace, claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
  const id = Buffer.from(place.random.bytes(12)).toString('hex');
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const found = await readOwn(place, NAME, LEASE_BYTES_MAX);
    const held = findHolder(recordOf(found), claim, isProcessAlive);
    if (held !== undefined) return held;
    const record = claimedLease(id, claim);
    const condition = found === undefined ? ({ ifAbsent: true } as const) : { ifEtag: found.etag };
    await writeOwn(place, NAME, JSON.stringify(record), condition);
    if (recordOf(await readOwn(place, NAME, LEASE_BYTES_MAX))?.id === id) return new DavLease(place, record, claim);
  }
  throw lost(place);
}

function recordOf(document: OwnDocument | undefined): LeaseRecord | undefined {
  return document === undefined ? undefined : parseLease(document.text);
}

function lost(place: DavPlace): StorageError {
  return new StorageError('precondition-failed', { store: place.store }, 'the lease was taken over');
}

class DavLease implements StoreLease {
  readonly #place: DavPlace;
  readonly #record: LeaseRecord;
  readonly #leaseMs: number;

  constructor(place: DavPlace, record: LeaseRecord, { leaseMs }: LeaseClaim) {
    this.#place = place;
    this.#record = record;
    this.#leaseMs = leaseMs;
  }

  async renew(nowMs: number): Promise<void> {
    const mine = await this.#readMine();
    if (mine === undefined) throw lost(this.#place);
    const text = JSON.stringify({ ...this.#record, untilMs: nowMs + this.#leaseMs });
    if (await writeOwn(this.#place, NAME, text, { ifEtag: mine.etag })) return;
    // Our own write, repeated after an answer that was lost, finds itself.
    if ((await readOwn(this.#place, NAME, LEASE_BYTES_MAX))?.text !== text) throw lost(this.#place);
  }

  async release(): Promise<void> {
    if ((await this.#readMine()) !== undefined) await deleteOwn(this.#place, NAME);
  }

  async #readMine(): Promise<OwnDocument | undefined> {
    const found = await readOwn(this.#place, NAME, LEASE_BYTES_MAX);
    return recordOf(found)?.id === this.#record.id ? found : undefined;
  }
}
