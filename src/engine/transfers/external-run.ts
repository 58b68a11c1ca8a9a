import type { Submission, TransferStatus, TransferTool } from '../../ports/transfer-tool.ts';
import type { Stores } from '../stores/store-access.ts';
import { planAdopted } from './adopt-transfer.ts';
import { type ExternalTool, planForTool } from './external-tool.ts';
import { type HeldTransfer, transferOf } from './held-transfer.ts';
import type { PlannedTransfer, TransferPlan } from './plan-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';

/** Given again under the same attempt so often, where the tool says that it does not know it. */
const SUBMISSIONS_MAX = 3;

/** The tools that outlive their workers, as one run of transfers uses them. */
export class ExternalRun {
  readonly #ports: Pick<TransferPorts, 'catalog' | 'clock' | 'random' | 'telling'>;
  readonly #tools: readonly ExternalTool[];
  readonly #askedMs = new Map<ExternalTool, number>();
  #site: Promise<string> | undefined;

  constructor(ports: TransferPorts) {
    this.#ports = ports;
    this.#tools = ports.externals ?? [];
  }

  get isNone(): boolean {
    return this.#tools.length === 0;
  }

  /** False: none of them is for this copy, or knows a way that is worth an attempt. */
  async assign(held: HeldTransfer, planned: PlannedTransfer, stores: Stores): Promise<boolean> {
    const { request, row } = held;
    // What an upload keeps with its request is the uploader's.
    if (this.isNone || row === undefined || request.reason === 'upload') return false;
    for (const external of this.#tools) {
      const plan = this.#planFor(external, held, { planned, stores });
      if (plan === undefined) continue;
      this.#give(held, external, plan);
      held.attempt = await this.#attemptOf(held);
      return true;
    }
    return false;
  }

  /** What an earlier owner handed over goes on as this one's attempt. False: none here is called so, or goes there. */
  adopt(held: HeldTransfer, plan: TransferPlan, stores: Stores): boolean {
    const { request, row } = held;
    const external = this.#tools.find(({ name }) => name === row?.handedOver?.tool);
    if (row?.handedOver === undefined || external === undefined) return false;
    const planned = plan.kind === 'planned' ? this.#planFor(external, held, { planned: plan, stores }) : undefined;
    const adopted = planAdopted(row, request.store, { stores, planned });
    if (adopted === undefined) return false;
    this.#give(held, external, adopted);
    held.attempt = row.handedOver.attempt;
    return true;
  }

  /** Written down before they are submitted: those whose lease still stands. */
  async handOver(batch: readonly HeldTransfer[]): Promise<ReadonlySet<HeldTransfer>> {
    const kept = await this.#ports.catalog.handOver(
      batch.map(({ request, external, attempt }) => ({ lease: request.lease, tool: external?.name ?? '', attempt })),
    );
    return new Set(batch.filter((_, at) => kept[at] === true));
  }

  /** Whether a copy that the tool does not know is to be given to it again. Under its attempt, it is begun once at most. */
  maySubmitAgain({ external, planned, submissions }: HeldTransfer): boolean {
    return external !== undefined && submissions < SUBMISSIONS_MAX && (planned?.sources.length ?? 0) > 0;
  }

  /** What has become of these, where their tools are due to be asked. */
  async ask(submitted: ReadonlyMap<string, HeldTransfer>): Promise<readonly TransferStatus[]> {
    const answers: TransferStatus[] = [];
    const nowMs = this.#ports.clock.monotonicMs();
    for (const external of this.#tools) {
      if (nowMs - (this.#askedMs.get(external) ?? Number.NEGATIVE_INFINITY) < external.pollMs) continue;
      const ids = [...submitted].flatMap(([id, held]) => (held.external === external ? [id] : []));
      if (ids.length === 0) continue;
      this.#askedMs.set(external, nowMs);
      answers.push(...(await this.askTool(external, ids)));
    }
    return answers;
  }

  /** A tool that fails may have taken them: what has become of them is asked for. */
  async submit(tool: TransferTool, batch: readonly HeldTransfer[]): Promise<readonly Submission[]> {
    try {
      return await tool.submit(batch.map(transferOf));
    } catch (error) {
      if (batch[0]?.external === undefined) throw error;
      this.#ports.telling?.info?.('a transfer tool failed', { tool: batch[0].external.name, why: String(error) });
      return batch.map(({ attempt }) => ({ kind: 'unsure', id: tool.idOf(attempt), why: String(error) }));
    }
  }

  /** A tool that fails says nothing. */
  async askTool({ name, tool }: ExternalTool, ids: readonly string[]): Promise<readonly TransferStatus[]> {
    const answers: TransferStatus[] = [];
    const { batchMax } = tool.capabilities;
    try {
      for (let from = 0; from < ids.length; from += batchMax)
        answers.push(...(await tool.poll(ids.slice(from, from + batchMax))));
    } catch (error) {
      this.#ports.telling?.info?.('a transfer tool does not answer', { tool: name, why: String(error) });
    }
    return answers;
  }

  #planFor(
    external: ExternalTool,
    { request, row }: HeldTransfer,
    { planned, stores }: { readonly planned: PlannedTransfer; readonly stores: Stores },
  ): PlannedTransfer | undefined {
    if (row === undefined) return undefined;
    const { store, versionId, ofRules } = request;
    const activity = ofRules?.activity ?? '';
    const fraction = this.#ports.random.fraction();
    return planForTool(external, { planned, row, store, versionId, activity, stores, fraction });
  }

  #give(held: HeldTransfer, external: ExternalTool, planned: PlannedTransfer): void {
    held.external = external;
    held.tool = external.tool;
    held.planned = planned;
  }

  /** Two sites that share a server have requests of the same numbers. */
  async #attemptOf({ request: { lease } }: HeldTransfer): Promise<string> {
    this.#site ??= this.#ports.catalog.site().then(({ id }) => id);
    return `${await this.#site}.${lease.requestId}.${lease.token}`;
  }
}
