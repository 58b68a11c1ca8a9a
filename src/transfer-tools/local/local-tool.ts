import assert from 'node:assert';
import type { CopyFailure, CopyOutcome, CopyPool, CopyTargetOutcome, ReadOutcome } from '../../ports/copy-pool.ts';
import type {
  FailedSource,
  Submission,
  Transfer,
  TransferEnd,
  TransferOutcome,
  TransferReport,
  TransferSource,
  TransferStatus,
  TransferTool,
  TransferToolCapabilities,
} from '../../ports/transfer-tool.ts';
import type { Token } from '../../ports/storage.ts';
import { judgeOccupant } from './judge-occupied.ts';
import { copyItemOf, takePage, type WaitingTransfer } from './waiting-transfer.ts';

export interface LocalToolOptions {
  /** Its targets are `stores`, in their order; its own source is not used. Belongs to the tool from now on. */
  readonly pool: CopyPool;
  /** Places of the stores. */
  readonly stores: readonly string[];
  /** Every copy is read again before it is told to have arrived. */
  readonly readBack: boolean;
}

type WasRead = Extract<ReadOutcome, { readonly kind: 'read' }>;

/** Submitted and not over; what comes on top is refused, and stays in the catalog's queue. */
const TRANSFERS_MAX = 10_000;
/** Reports kept for polls; of those, the oldest are forgotten first. Listeners hear each. */
const REPORTS_KEPT_MAX = 10_000;
/** Until `extend` says otherwise. A number that survives JSON. */
const NO_LIMIT_MS = Number.MAX_SAFE_INTEGER;

/**
 * Transfers carried out by a pool of this process: its threads, or processes of its own. Copies are made as a bulk sync makes them,
 * in pages: many small ones share a flush. Bytes that already lie at the destination are read, and if they are the wanted ones they
 * have arrived.
 */
export class LocalTool implements TransferTool {
  readonly name = 'local';
  readonly capabilities: TransferToolCapabilities = {
    outlivesProcess: false,
    isFenced: true,
    comparesTokens: true,
    batchMax: TRANSFERS_MAX,
  };
  readonly #o: LocalToolOptions;
  readonly #transfers = new Map<string, WaitingTransfer>();
  /** Destinations of what is not over. */
  readonly #destinations = new Set<string>();
  readonly #waiting: WaitingTransfer[] = [];
  readonly #reports = new Map<string, TransferReport>();
  readonly #listeners = new Set<(report: TransferReport) => void>();
  readonly #pages = new Set<Promise<void>>();
  #publishUntilMs = NO_LIMIT_MS;
  #isClosed = false;

  constructor(options: LocalToolOptions) {
    this.#o = options;
  }

  canTransfer(source: TransferEnd, destination: TransferEnd): boolean {
    return this.#o.stores.includes(source.store) && this.#o.stores.includes(destination.store);
  }

  idOf(attempt: string): string {
    return attempt;
  }

  async submit(batch: readonly Transfer[]): Promise<readonly Submission[]> {
    const answers = batch.map((transfer) => this.#take(transfer));
    this.#pump();
    return answers;
  }

  async poll(ids: readonly string[]): Promise<readonly TransferStatus[]> {
    return ids.map((id): TransferStatus => {
      const transfer = this.#transfers.get(id);
      if (transfer !== undefined) return { id, kind: 'running', bytes: transfer.bytes };
      return { kind: 'final', ...(this.#reports.get(id) ?? { id, outcome: { kind: 'lost' } }) };
    });
  }

  async cancel(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const transfer = this.#transfers.get(id);
      if (transfer === undefined) continue;
      transfer.isCancelled = true;
      transfer.giveUp?.();
      if (transfer.isMoving) continue;
      this.#waiting.splice(this.#waiting.indexOf(transfer), 1);
      this.#fail(transfer, { kind: 'aborted', message: '' });
    }
  }

  async prioritise(ids: readonly string[], priority: number): Promise<void> {
    for (const id of ids) {
      const transfer = this.#transfers.get(id);
      if (transfer !== undefined) transfer.priority = priority;
    }
  }

  extend(publishUntilMs: number): void {
    this.#publishUntilMs = publishUntilMs;
    this.#o.pool.extend(publishUntilMs);
  }

  onReport(listener: (report: TransferReport) => void): () => void {
    // The same function given twice is two listeners.
    const own = (report: TransferReport): void => listener(report);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#waiting.length = 0;
    this.#o.pool.stop();
    await Promise.all(this.#pages);
    await this.#o.pool[Symbol.asyncDispose]();
  }

  #take(transfer: Transfer): Submission {
    const { attempt, sources, destination } = transfer;
    assert(sources.length > 0, `${attempt}: a transfer without a source`);
    const id = this.idOf(attempt);
    if (this.#transfers.has(id) || this.#reports.has(id)) return { kind: 'accepted', id, isRepeat: true };
    if (this.#isClosed) return refuse('unavailable', 'it is closed');
    if (this.#transfers.size >= TRANSFERS_MAX) return refuse('unavailable', `${TRANSFERS_MAX} transfers are under way`);
    if (!sources.every((source) => this.canTransfer(source, destination)))
      return refuse('unsupported', 'not all of its stores are open here');
    if (this.#destinations.has(whereOf(destination)))
      return refuse('duplicate', `${destination.key}: another transfer to it is under way`);
    const waiting: WaitingTransfer = {
      id,
      transfer,
      priority: transfer.priority,
      sourceAt: 0,
      failed: [],
      onto: transfer.onto,
      bytes: undefined,
      isMoving: false,
      isCancelled: false,
      giveUp: undefined,
    };
    this.#transfers.set(id, waiting);
    this.#destinations.add(whereOf(destination));
    this.#waiting.push(waiting);
    return { kind: 'accepted', id, isRepeat: false };
  }

  #pump(): void {
    const { pool } = this.#o;
    while (!this.#isClosed && this.#waiting.length > 0 && this.#pages.size < pool.slots) {
      // What waits is shared among the slots, rather than all of it given to the first.
      const itemsMax = Math.min(pool.pageItems, Math.ceil(this.#waiting.length / (pool.slots - this.#pages.size)));
      const page = this.#carryOut(takePage(this.#waiting, itemsMax)).finally(() => {
        this.#pages.delete(page);
        this.#pump();
      });
      this.#pages.add(page);
    }
  }

  async #carryOut(page: readonly WaitingTransfer[]): Promise<void> {
    const { pool, stores, readBack } = this.#o;
    const [first] = page;
    const stop = new AbortController();
    // Who shares a page with what is still wanted is carried on with it.
    const giveUp = (): void => {
      if (page.every(({ isCancelled }) => isCancelled)) stop.abort();
    };
    for (const one of page) Object.assign(one, { isMoving: true, giveUp });
    const items = page.map((one) => copyItemOf(one, stores));
    const onMoved = (bytes: number): void => {
      if (first !== undefined && page.length === 1) first.bytes = bytes;
    };
    const outcomes = await pool.run({ items, publishUntilMs: this.#publishUntilMs, readBack }, onMoved, stop.signal);
    const occupied = page.filter((one, at) => !this.#settle(one, outcomes[at] as CopyOutcome));
    if (occupied.length > 0) await this.#compare(occupied);
  }

  /** False: the destination holds something else than expected, which may be the wanted bytes. */
  #settle(one: WaitingTransfer, { source, targets }: CopyOutcome): boolean {
    const outcome = targets[0] as CopyTargetOutcome;
    if (outcome.kind === 'failed') {
      const { failure } = outcome;
      if (failure.at === 'destination' && failure.kind === 'precondition-failed') return false;
      if (failure.kind === 'held-back' && !one.isCancelled) {
        this.#end(one, { kind: 'held-back', why: failure.message });
        return true;
      }
      this.#failSource(one, failure);
      return true;
    }
    const { token, verification } = outcome;
    const sha256 = source?.sha256;
    this.#end(one, {
      kind: 'arrived',
      source: sourceOf(one).store,
      wasThere: false,
      size: source?.size,
      checksums: sha256 === undefined ? {} : { sha256 },
      token,
      verification,
      isLate: outcome.kind === 'copied' && outcome.isLate,
      failed: one.failed,
    });
    return true;
  }

  /** Reads what lies at the destinations: a copy that was published and not recorded is there already. */
  async #compare(page: readonly WaitingTransfer[]): Promise<void> {
    const items = page.map(({ transfer: { destination } }) => ({
      store: this.#o.stores.indexOf(destination.store) + 1,
      key: destination.key,
      token: undefined,
    }));
    const reads = await this.#o.pool.read({ items }, () => undefined);
    for (const [at, one] of page.entries()) {
      const read = reads[at];
      if (read?.kind === 'failed' && read.failure.kind === 'not-found' && one.onto !== undefined) {
        this.#again(one, undefined);
        continue;
      }
      if (read?.kind !== 'read') {
        this.#fail(one, read?.failure ?? occupied(one), 'destination');
        continue;
      }
      const occupant = judgeOccupant(one.transfer, read);
      if (occupant === 'wanted') this.#found(one, read);
      else if (occupant === 'left') this.#replace(one, read.head.token);
      else if (occupant === 'other') this.#fail(one, occupied(one), 'destination');
      else await this.#compareWithSource(one, read);
    }
  }

  /** Nobody has read what is wanted before: the source is read as well. */
  async #compareWithSource(one: WaitingTransfer, found: WasRead): Promise<void> {
    const { store, key, token } = sourceOf(one);
    const item = { store: this.#o.stores.indexOf(store) + 1, key, token };
    const [read] = await this.#o.pool.read({ items: [item] }, () => undefined);
    if (read?.kind === 'read' && (token === undefined || read.head.token === token))
      return read.sha256 === found.sha256 ? this.#found(one, found) : this.#fail(one, occupied(one), 'destination');
    const changed = { kind: 'changed', message: `${key}: the source holds something else than expected` } as const;
    this.#failSource(one, { ...(read?.kind === 'failed' ? read.failure : changed), at: 'source' });
    this.#pump();
  }

  #found(one: WaitingTransfer, { head: { size, token }, sha256 }: WasRead): void {
    this.#end(one, {
      kind: 'arrived',
      source: undefined,
      wasThere: true,
      size,
      checksums: { sha256 },
      token,
      verification: 'read-back',
      isLate: false,
      failed: one.failed,
    });
  }

  #replace(one: WaitingTransfer, onto: Token): void {
    if (one.onto === onto || one.isCancelled || this.#isClosed) {
      const message = `${one.transfer.destination.key}: wrong bytes are at the destination, and could not be replaced`;
      return this.#fail(one, { kind: 'corrupt', message }, 'destination');
    }
    this.#again(one, onto);
  }

  /** Once more from the beginning, on what the destination was found to hold. */
  #again(one: WaitingTransfer, onto: Token | undefined): void {
    if (one.isCancelled || this.#isClosed) return this.#fail(one, { kind: 'aborted', message: '' });
    one.onto = onto;
    one.isMoving = false;
    one.bytes = undefined;
    this.#waiting.unshift(one);
  }

  /** The next source, where there is one and it may help. */
  #failSource(one: WaitingTransfer, failure: CopyFailure): void {
    const isLast = one.sourceAt + 1 === one.transfer.sources.length;
    if (failure.at === 'destination' || failure.kind === 'fenced' || isLast || one.isCancelled || this.#isClosed)
      return this.#fail(one, failure);
    one.failed.push(failedSource(one, failure, failure.at));
    one.sourceAt++;
    one.isMoving = false;
    one.bytes = undefined;
    this.#waiting.unshift(one);
  }

  #fail(one: WaitingTransfer, failure: CopyFailure, at = failure.at): void {
    const last: FailedSource = one.isCancelled
      ? { source: sourceOf(one).store, at: 'between', kind: 'aborted', why: 'it was cancelled' }
      : failedSource(one, failure, at);
    const [first, ...others] = [...one.failed, last];
    this.#end(one, { kind: 'failed', failed: [first, ...others] });
  }

  #end(one: WaitingTransfer, outcome: TransferOutcome): void {
    const report = { id: one.id, outcome };
    this.#transfers.delete(one.id);
    this.#destinations.delete(whereOf(one.transfer.destination));
    this.#reports.set(one.id, report);
    for (const id of this.#reports.keys()) {
      if (this.#reports.size <= REPORTS_KEPT_MAX) break;
      this.#reports.delete(id);
    }
    for (const listener of this.#listeners) listener(report);
  }
}

function failedSource(one: WaitingTransfer, { kind, message }: CopyFailure, at?: CopyFailure['at']): FailedSource {
  const isKept = kind === 'fenced' || kind === 'held-back';
  return { source: sourceOf(one).store, at: at ?? 'between', kind: isKept ? 'aborted' : kind, why: message };
}

function occupied({ transfer: { destination } }: WaitingTransfer): CopyFailure {
  const message = `${destination.key}: the destination holds something else than expected`;
  return { kind: 'precondition-failed', message };
}

function sourceOf({ transfer, sourceAt }: WaitingTransfer): TransferSource {
  return transfer.sources[sourceAt] as TransferSource;
}

function whereOf({ store, key }: TransferEnd): string {
  return `${store}\n${key}`;
}

function refuse(reason: 'duplicate' | 'unsupported' | 'unavailable', why: string): Submission {
  return { kind: 'refused', reason, why };
}
