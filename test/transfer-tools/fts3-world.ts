import { FakeFts } from '../../src/testing/index.ts';
import { patternBytes, putObject, readObject } from '../../src/testing/storage-contract/harness.ts';
import { contentOf } from '../../src/testing/transfer-tool-contract/harness.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { StorageError } from '../../src/ports/storage.ts';
import type { Transfer, TransferStatus, TransferTool } from '../../src/ports/transfer-tool.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { type Fts3Options, type Fts3Tool, openFts3Tool } from '../../src/transfer-tools/fts3/fts3-tool.ts';

/** An FTS server that is not there, two stores, and the tool that asks it. */
export class Fts3World implements AsyncDisposable {
  readonly fake: FakeFts;
  readonly tool: Fts3Tool;
  readonly from: Storage;
  readonly to: Storage;
  #count = 0;

  private constructor(fake: FakeFts, tool: Fts3Tool, [from, to]: readonly [Storage, Storage]) {
    this.fake = fake;
    this.tool = tool;
    this.from = from;
    this.to = to;
  }

  static async open(client: Partial<Fts3Options> = {}): Promise<Fts3World> {
    const from = openMemoryStorage({ name: 'from', clock: systemClock });
    const to = openMemoryStorage({ name: 'to', clock: systemClock });
    const stores = [from, to].map((storage) => ({ storage, url: urlOf(storage, '') }));
    const fake = await FakeFts.open({ stores });
    const tool = await openFts3Tool({ endpoint: fake.endpoint, vo: 'pando', ...client });
    return new Fts3World(fake, tool, [from, to]);
  }

  /** Bytes at the source, and the transfer of them. */
  async prepare(change: Partial<Transfer> = {}): Promise<Transfer> {
    const number = ++this.#count;
    const key = `o/${number}`;
    const bytes = patternBytes(1000, number);
    await putObject(this.from, key, bytes);
    return {
      attempt: `site-1/${number}/1`,
      sources: [{ store: this.from.place, key, url: urlOf(this.from, key), token: undefined }],
      destination: { store: this.to.place, key, url: urlOf(this.to, key) },
      onto: undefined,
      content: contentOf(bytes),
      priority: 3,
      ...change,
    };
  }

  async isThere(transfer: Transfer): Promise<boolean> {
    try {
      const bytes = await readObject(this.to, transfer.destination.key);
      return contentOf(bytes).sha256 === transfer.content.sha256;
    } catch (error) {
      if (error instanceof StorageError && error.kind === 'not-found') return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tool[Symbol.asyncDispose]();
    await this.fake[Symbol.asyncDispose]();
  }
}

export function urlOf({ name }: Storage, key: string): string {
  return `https://${name}.example.org/${key}`;
}

/** Asks until it is over. */
export async function untilOver(tool: TransferTool, transfer: Transfer): Promise<TransferStatus> {
  for (;;) {
    const [status] = await tool.poll([tool.idOf(transfer.attempt)]);
    if (status?.kind === 'final') return status;
    await systemClock.sleep(10);
  }
}
