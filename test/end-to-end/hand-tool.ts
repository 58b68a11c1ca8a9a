import type { ExternalTool } from '../../src/engine/transfers/external-tool.ts';
import type {
  Submission,
  Transfer,
  TransferEnd,
  TransferReport,
  TransferStatus,
  TransferTool,
  TransferToolCapabilities,
} from '../../src/ports/transfer-tool.ts';

/** For every copy, and asked at once. */
export function asExternal(tool: TransferTool): ExternalTool {
  return { name: tool.name, tool, pollMs: 0, batchMax: tool.capabilities.batchMax, serves: () => true };
}

/** Moves bytes as the tool below does, and goes on without its worker; what came of it is told when, and as often as, a test says so. */
export class HandTool implements TransferTool {
  readonly name = 'hand';
  readonly capabilities: TransferToolCapabilities;
  readonly #inner: TransferTool;
  readonly #listeners = new Set<(report: TransferReport) => void>();
  readonly #reports: TransferReport[] = [];
  readonly #over = Promise.withResolvers<void>();
  readonly #polled = Promise.withResolvers<void>();
  readonly #answer = Promise.withResolvers<readonly TransferStatus[]>();

  constructor(inner: TransferTool) {
    this.#inner = inner;
    this.capabilities = { ...inner.capabilities, outlivesProcess: true };
    inner.extend(Number.MAX_SAFE_INTEGER);
    inner.onReport((report) => {
      this.#reports.push(report);
      this.#over.resolve();
    });
  }

  /** The bytes have been moved, and nobody knows. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Somebody has asked, and waits for an answer. */
  get polled(): Promise<void> {
    return this.#polled.promise;
  }

  /** Tells each listener of all that is over. */
  push(): void {
    for (const report of this.#reports) for (const listener of this.#listeners) listener(report);
  }

  /** Answers whoever has polled with all that is over, each `times` times. */
  answer(times: number): void {
    const once = this.#reports.map((report) => ({ kind: 'final', ...report }) as const);
    this.#answer.resolve(Array.from({ length: times }, () => once).flat());
  }

  canTransfer(source: TransferEnd, destination: TransferEnd): boolean {
    return this.#inner.canTransfer(source, destination);
  }

  idOf(attempt: string): string {
    return this.#inner.idOf(attempt);
  }

  submit(batch: readonly Transfer[]): Promise<readonly Submission[]> {
    return this.#inner.submit(batch);
  }

  poll(): Promise<readonly TransferStatus[]> {
    this.#polled.resolve();
    return this.#answer.promise;
  }

  cancel(ids: readonly string[]): Promise<void> {
    return this.#inner.cancel(ids);
  }

  prioritise(ids: readonly string[], priority: number): Promise<void> {
    return this.#inner.prioritise(ids, priority);
  }

  extend(publishUntilMs: number): void {
    this.#inner.extend(publishUntilMs);
  }

  onReport(listener: (report: TransferReport) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}
