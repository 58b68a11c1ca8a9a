import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Storage, StorageError } from '../../ports/storage.ts';
import type {
  Transfer,
  TransferEnd,
  TransferOutcome,
  TransferReport,
  TransferSource,
  TransferStatus,
  TransferTool,
} from '../../ports/transfer-tool.ts';
import { Adler32 } from '../fake-fts/adler32.ts';
import { patternBytes, putObject, readObject, sha256Of } from '../storage-contract/harness.ts';

/** A store the tool can reach, opened by the test beside it. */
export interface TransferStore {
  readonly storage: Storage;
  /** Of a key, as transfers name it; undefined: the tool needs none. */
  urlOf(key: string): string | undefined;
}

/** One tool, opened for the contract. Its disposal takes everything away again. */
export interface TransferToolUnderTest extends AsyncDisposable {
  readonly tool: TransferTool;
  readonly near: TransferStore;
  readonly far: TransferStore;
  readonly destination: TransferStore;
  /** Opened once more, as another process would after this one died. The test closes it. */
  reopen(): Promise<TransferTool>;
  /** What is submitted from now on waits, or stands still, until `release`. */
  hold(): void;
  release(): void;
}

export interface TransferToolContractOptions {
  /** Listeners hear of everything that is over. */
  readonly pushes: boolean;
  /** A large object; take one the tool moves in pieces. */
  readonly largeBytes?: number;
  /** For one test. */
  readonly timeoutMs?: number;
}

let attempts = 0;

/** What every section of the contract works with. */
export class TransferContract {
  readonly options: TransferToolContractOptions;
  readonly #opened: () => TransferToolUnderTest;

  constructor(options: TransferToolContractOptions, opened: () => TransferToolUnderTest) {
    this.options = options;
    this.#opened = opened;
  }

  get under(): TransferToolUnderTest {
    return this.#opened();
  }

  get tool(): TransferTool {
    return this.#opened().tool;
  }

  /** Bytes at a fresh key of `near`, and the transfer that brings them to a fresh key of the destination. */
  async prepare(size: number, change: Partial<Transfer> = {}): Promise<Prepared> {
    const { near, destination } = this.under;
    const number = ++attempts;
    const name = `transfers/${number}`;
    const bytes = patternBytes(size, number);
    const { token } = await putObject(near.storage, `${name}-from`, bytes);
    const transfer: Transfer = {
      attempt: `test/${process.pid}/${number}`,
      sources: [sourceAt(near, `${name}-from`, token)],
      destination: endAt(destination, `${name}-to`),
      onto: undefined,
      content: contentOf(bytes),
      priority: 3,
      ...change,
    };
    return { bytes, transfer };
  }

  /** Submits one transfer, which is accepted. */
  async submit({ transfer }: Pick<Prepared, 'transfer'>, tool = this.tool): Promise<string> {
    const [submission] = await tool.submit([transfer]);
    expect(submission).toMatchObject({ kind: 'accepted', id: tool.idOf(transfer.attempt) });
    return tool.idOf(transfer.attempt);
  }

  async outcomeOf(id: string, tool = this.tool): Promise<TransferOutcome> {
    const [outcome] = await this.outcomesOf([id], tool);
    if (outcome === undefined) throw new Error('nothing was asked for');
    return outcome;
  }

  /** Asks until all are over. */
  async outcomesOf(ids: readonly string[], tool = this.tool): Promise<readonly TransferOutcome[]> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const statuses = await tool.poll(ids);
      expect(statuses.map(({ id }) => id)).toEqual(ids);
      if (statuses.every(isFinal)) return statuses.map(({ outcome }) => outcome);
      if (Date.now() > deadline)
        throw new Error(`not over: ${JSON.stringify(statuses.filter((one) => !isFinal(one)))}`);
      await sleep(10);
    }
  }

  /** All that listeners hear from now on. */
  listen(): { readonly heard: TransferReport[]; until(count: number): Promise<void>; end(): void } {
    const heard: TransferReport[] = [];
    const end = this.tool.onReport((report) => void heard.push(report));
    const until = async (count: number): Promise<void> => {
      for (let left = 500; heard.length < count && left > 0; left--) await sleep(10);
      expect(heard.length).toBeGreaterThanOrEqual(count);
    };
    return { heard, until, end };
  }

  /** Of what lies there, in full; undefined: nothing. */
  async hashAtDestination({ transfer }: Pick<Prepared, 'transfer'>): Promise<string | undefined> {
    try {
      return sha256Of(await readObject(this.under.destination.storage, transfer.destination.key));
    } catch (error) {
      if (error instanceof StorageError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }
}

export interface Prepared {
  readonly bytes: Uint8Array;
  readonly transfer: Transfer;
}

export function endAt({ storage, urlOf }: TransferStore, key: string): TransferEnd {
  return { store: storage.place, key, url: urlOf(key) };
}

export function sourceAt(store: TransferStore, key: string, token?: string): TransferSource {
  return { ...endAt(store, key), token };
}

export function contentOf(bytes: Uint8Array): Transfer['content'] {
  const adler32 = new Adler32();
  adler32.update(bytes);
  const sha256 = sha256Of(bytes);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const operation = `01900000-0000-7000-8000-${sha256.slice(0, 12)}`;
  return { size: bytes.length, sha256, checksums: { adler32: adler32.hex(), md5 }, operation };
}

function isFinal(status: TransferStatus): status is Extract<TransferStatus, { kind: 'final' }> {
  return status.kind === 'final';
}
