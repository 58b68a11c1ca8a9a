import type { Configuration, TransferToolSettings } from './config/configuration.ts';
import { placesOf, readToken } from './config/tools-at-stores.ts';
import type { ExternalTool } from './engine/transfers/external-tool.ts';
import type { TransferTool } from './ports/transfer-tool.ts';

/** A tool of the program that uses the library (docs/transfers.md, "A tool of your own"). */
export interface OwnTransferTool {
  /** Unique, and the same in each process: what was given to a tool is found again by it. */
  readonly name: string;
  /** Belongs to who opened it. It has to outlive its process. */
  readonly tool: TransferTool;
  /** Store expressions; by default all. */
  readonly from?: string;
  readonly to?: string;
  /** By default all. */
  readonly activities?: readonly string[];
  /** By default 5,000. */
  readonly pollMs?: number;
  /** By default 200. */
  readonly batchMax?: number;
}

const POLL_MS = 5_000;
const BATCH_MAX = 200;

/** Throws a `TypeError` where a program brings a tool that cannot be one. */
export function checkOwnTools({ transferTools = [] }: Configuration, own: readonly OwnTransferTool[]): void {
  const names = [...own, ...transferTools].map(({ name }) => name);
  for (const [at, name] of names.entries())
    if (names.indexOf(name) !== at) throw new TypeError(`two transfer tools are called ${name}`);
  for (const { name, tool } of own) {
    if (!tool.capabilities.outlivesProcess)
      throw new TypeError(`the transfer tool ${name} ends with its process: what it is given would be lost`);
  }
}

/** The tools that outlive their workers: a program's own ones first, then those that are configured. */
export class TransferTools implements AsyncDisposable {
  readonly externals: readonly ExternalTool[];
  readonly #opened: readonly TransferTool[];

  private constructor(externals: readonly ExternalTool[], opened: readonly TransferTool[]) {
    this.externals = externals;
    this.#opened = opened;
  }

  static async open(configuration: Configuration, own: readonly OwnTransferTool[]): Promise<TransferTools> {
    const settings = configuration.transferTools ?? [];
    const opened = await Promise.all(settings.map(openTool));
    const configured = settings.map((one, at) => ({ ...one, tool: opened[at] as TransferTool }));
    return new TransferTools(
      [...own, ...configured].map((one) => describeTool(one, configuration)),
      opened,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tool of this.#opened) await tool[Symbol.asyncDispose]();
  }
}

/** Nobody is asked: a server that does not answer keeps no worker from beginning. */
async function openTool({ endpoint, token, vo, schemes, deadlineMs }: TransferToolSettings): Promise<TransferTool> {
  const { openFts3Tool } = await import('./transfer-tools/fts3/fts3-tool.ts');
  const ask = token.kind === 'none' ? {} : { token: () => readToken(token) ?? '' };
  return openFts3Tool({ endpoint, vo, schemes, deadlineMs, ...ask });
}

function describeTool(
  {
    name,
    tool,
    from = '*',
    to = '*',
    activities,
    pollMs = POLL_MS,
    batchMax = BATCH_MAX,
  }: {
    readonly [Key in keyof OwnTransferTool]: OwnTransferTool[Key] | undefined;
  } & Pick<OwnTransferTool, 'name' | 'tool'>,
  { profiles }: Configuration,
): ExternalTool {
  const [sources, destinations] = [placesOf(from, profiles), placesOf(to, profiles)];
  return {
    name,
    tool,
    pollMs,
    batchMax,
    serves: ({ source, destination, activity }) =>
      sources.has(source) && destinations.has(destination) && activities?.includes(activity) !== false,
  };
}
