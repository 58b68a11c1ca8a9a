import { type LeaseClaim, type LeaseHeld, StorageError, type StoreLease } from '../../ports/storage.ts';
import { claimedLease, findHolder, isProcessAlive, type LeaseRecord, parseLease } from '../store-lease.ts';
import { deleteOwn, readOwn, writeOwn } from './own-documents.ts';
import { isPreconditionFailed, type S3Bucket } from './s3-bucket.ts';

const NAME = 'lease';
/** Others may take and lose the lease while we try; whoever is refused so often is told who has it. */
const ATTEMPTS_MAX = 4;

/** Takes `.pando/lease` by a conditional write; where the server enforces none, by a look before and one after. */
export async function claimLease(bucket: S3Bucket, claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
  const id = Buffer.from(bucket.random.bytes(12)).toString('hex');
  for (let attempt = 1; ; attempt++) {
    const untilMs = bucket.clock.monotonicMs() + claim.leaseMs;
    const found = await readOwn(bucket, NAME);
    const current = found === undefined ? undefined : parseLease(found.text);
    const held = findHolder(current, claim, isProcessAlive);
    if (held !== undefined) return held;
    const record = claimedLease(id, claim);
    try {
      await writeOwn(
        bucket,
        NAME,
        JSON.stringify(record),
        found === undefined ? { kind: 'absent' } : { kind: 'token', token: found.token },
      );
    } catch (error) {
      if (!isPreconditionFailed(error) || attempt === ATTEMPTS_MAX) throw error;
      if ((await readOwnLease(bucket))?.record.id !== id) continue;
    }
    if ((await readOwnLease(bucket))?.record.id === id) return new S3Lease(bucket, record, claim.leaseMs, untilMs);
  }
}

async function readOwnLease(
  bucket: S3Bucket,
): Promise<{ readonly record: LeaseRecord; readonly token: string } | undefined> {
  const found = await readOwn(bucket, NAME);
  const record = found === undefined ? undefined : parseLease(found.text);
  return found === undefined || record === undefined ? undefined : { record, token: found.token };
}

class S3Lease implements StoreLease {
  readonly #bucket: S3Bucket;
  readonly #record: LeaseRecord;
  readonly #leaseMs: number;
  /** Until then nobody takes it over (`Clock.monotonicMs`). */
  #untilMs: number;

  constructor(bucket: S3Bucket, record: LeaseRecord, leaseMs: number, untilMs: number) {
    this.#bucket = bucket;
    this.#record = record;
    this.#leaseMs = leaseMs;
    this.#untilMs = untilMs;
  }

  async renew(nowMs: number): Promise<void> {
    const untilMs = this.#bucket.clock.monotonicMs() + this.#leaseMs;
    await this.#write(nowMs + this.#leaseMs);
    this.#untilMs = untilMs;
  }

  /**
   * Deleted while it is held for a good while yet: nobody else writes there then, so it needs no condition, which not all
   * servers enforce of a delete. Otherwise an ended one is written.
   */
  async release(): Promise<void> {
    const found = await readOwnLease(this.#bucket);
    if (found?.record.id !== this.#record.id) return;
    try {
      if (this.#bucket.clock.monotonicMs() < this.#untilMs - this.#leaseMs / 2)
        return await deleteOwn(this.#bucket, NAME, { ifToken: found.token });
    } catch {
      // What cannot be deleted can be ended.
    }
    try {
      await this.#write(0);
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
    }
  }

  async #write(untilMs: number): Promise<void> {
    const wanted = JSON.stringify({ ...this.#record, untilMs });
    const found = await readOwnLease(this.#bucket);
    if (found?.record.id !== this.#record.id) throw this.#lost();
    try {
      await writeOwn(this.#bucket, NAME, wanted, { kind: 'token', token: found.token });
    } catch (error) {
      // Our own write, repeated after an answer that was lost, finds itself.
      if (!isPreconditionFailed(error) || (await readOwn(this.#bucket, NAME))?.text !== wanted) throw error;
    }
  }

  #lost(): StorageError {
    return new StorageError('precondition-failed', { store: this.#bucket.name }, 'the lease was taken over');
  }
}
