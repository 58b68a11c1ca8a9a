import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import type { WayFailure } from '../../domain/transfer/next-way.ts';
import type { ClaimedRequest, Lease } from '../../ports/catalog.ts';
import type {
  Submission,
  TransferOutcome as ToolOutcome,
  TransferStatus,
  TransferTool,
} from '../../ports/transfer-tool.ts';
import type { CarriedOut } from '../carry-out-requests.ts';
import type { Stores } from '../stores/store-access.ts';
import { chooseWays } from './choose-ways.ts';
import type { Arrived } from './confirm-arrival.ts';
import { confirmHeld, FOUND } from './confirm-held.ts';
import { decideTransfer, type EndedAttempt, type TransferDecision } from './decide-transfer.ts';
import { ExternalRun } from './external-run.ts';
import { followPriorities } from './follow-priorities.ts';
import type { ExternalTool } from './external-tool.ts';
import { type HeldTransfer, holdTransfer, outcomeOf, type PlannedHeld, triedBy, whyUnknown } from './held-transfer.ts';
import { type PlannedTransfer, planTransfer } from './plan-transfer.ts';
import { readInPlace } from './read-in-place.ts';
import { findReadSource } from './read-source.ts';
import { RecentStores } from './recent-stores.ts';
import { takeBackCopy } from './remove-copy.ts';
import type { TransferPorts, TransferRunParts } from './run-transfers.ts';
import { transferFacts } from './transfer-facts.ts';

/** A tool that has no room, or does not answer, is asked again after this. */
const TOOL_WAIT_WHY = 'the transfer tool does not take it now';

/** An attempt that is over, and not recorded. */
interface Ended extends Pick<EndedAttempt, 'outcome' | 'arrived' | 'tried'> {
  readonly held: HeldTransfer;
}

/**
 * The transfers one worker has under way: planned and submitted in the batches in which they were claimed, settled in the batches in
 * which their reports come in.
 */
export class TransferRun implements AsyncDisposable {
  readonly counts = { done: 0, moot: 0, postponed: 0, failed: 0 };
  readonly #ports: TransferPorts;
  readonly #run: TransferRunParts;
  /** By the tool's id. */
  readonly #submitted = new Map<string, HeldTransfer>();
  readonly #batches = new Set<Promise<void>>();
  readonly #externals: ExternalRun;
  readonly #stores: RecentStores;
  readonly #unlisten: readonly (() => void)[];
  /** Outcomes that wait for the transaction before theirs. */
  #toSettle: Ended[] = [];
  #settling: Promise<void> | undefined;
  #wake = Promise.withResolvers<void>();
  #inFlight = 0;
  #handedOver = 0;

  constructor(ports: TransferPorts, run: TransferRunParts) {
    this.#ports = ports;
    this.#run = run;
    this.#externals = new ExternalRun(ports);
    this.#stores = new RecentStores(ports);
    const tools = [...ports.tools, ...(ports.externals ?? []).map(({ tool }) => tool)];
    this.#unlisten = tools.map((tool) => tool.onReport(({ id, outcome }) => this.#take(id, outcome)));
  }

  /** Claimed and not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Of these, what tools have that go on without this worker. */
  get handedOver(): number {
    return this.#handedOver;
  }

  begin(claimed: readonly ClaimedRequest[]): void {
    this.#inFlight += claimed.length;
    const startedMs = this.#ports.clock.monotonicMs();
    const held = claimed.map((request) => holdTransfer(request, this.#run.leases.hold(request.lease), startedMs));
    for (const one of held) one.signal.addEventListener('abort', () => this.#cancel(one), { once: true });
    const batch = this.#beginBatch(held).finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
  }

  /** How urgent what tools have is by now. */
  follow(priorities: ReadonlyMap<number, number>): Promise<void> {
    return followPriorities(this.#submitted, priorities, this.#ports.telling);
  }

  /** Resolves when something was settled since it was asked before, or `orThis`, or a while has passed; then tools that tell nothing are asked. */
  async settledSome(pollMs: number, orThis?: Promise<void>): Promise<void> {
    const waiting = new AbortController();
    if (!this.#externals.isNone) {
      const ask = async (): Promise<void> => this.#heed(await this.#externals.ask(this.#submitted));
      // Where others end all the time, no pause is ever over.
      void ask().catch(() => undefined);
      const pause = this.#ports.clock.sleep(pollMs, waiting.signal);
      void pause.then(() => ask().finally(() => this.#wake.resolve())).catch(() => undefined);
    }
    await Promise.race(orThis === undefined ? [this.#wake.promise] : [this.#wake.promise, orThis]);
    waiting.abort();
    this.#wake = Promise.withResolvers<void>();
  }

  /** What is under way is given back, and all that was told is settled. */
  async end(): Promise<void> {
    await Promise.all(this.#batches);
    const left: Lease[] = [];
    for (const [id, held] of this.#submitted) {
      // What goes on without this process is found again by whoever claims it next.
      if (this.#run.stop?.aborted !== true || held.external === undefined) continue;
      this.#submitted.delete(id);
      this.#letGo(held, 'postponed');
      left.push(held.request.lease);
    }
    // Nobody has to wait for the end of their leases; where the catalog does not answer, all do.
    if (left.length > 0) await this.#ports.catalog.renewRequests(left, 0).catch(() => undefined);
    while (this.#inFlight > 0) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const unlisten of this.#unlisten) unlisten();
    await this.#settling;
  }

  async #beginBatch(batch: readonly HeldTransfer[]): Promise<void> {
    try {
      await this.#submitBatch(batch);
    } catch (error) {
      // The catalog could not be asked: the leases run out, and others take the requests up.
      this.#ports.telling?.info?.('transfers could not be begun', { why: String(error) });
      for (const held of batch) if (!this.#isSubmitted(held)) this.#letGo(held, 'postponed');
    }
  }

  #isSubmitted({ tool, attempt }: HeldTransfer): boolean {
    return tool !== undefined && this.#submitted.has(tool.idOf(attempt));
  }

  async #submitBatch(batch: readonly HeldTransfer[]): Promise<void> {
    const { catalog } = this.#ports;
    const rows = await catalog.readTransfers(batch.map(({ request }) => request.lease.requestId));
    const { use, stores, closed } = await this.#stores.read();
    const planned: PlannedHeld[] = [];
    const adopted: HeldTransfer[] = [];
    for (const [at, held] of batch.entries()) {
      held.row = rows[at];
      if (held.row === undefined) {
        this.#settle(held, { kind: 'not-needed', why: 'the object has changed since' });
        continue;
      }
      if (held.row.isUnawaited) {
        this.#settle(held, { kind: 'not-needed', why: 'nobody waits for a copy on the way any more' });
        continue;
      }
      const plan = planTransfer(transferFacts(held.request, held.row, use.get(held.request.store)), {
        stores,
        closed,
        clientSite: this.#ports.clientSite,
        topology: this.#ports.topology,
        fraction: this.#ports.random.fraction(),
      });
      if (held.row.handedOver !== undefined && this.#externals.adopt(held, plan, stores)) adopted.push(held);
      else if (held.row.handedOver !== undefined) this.#settle(held, { kind: 'held-back', why: whyUnknown(held.row) });
      else if (plan.kind === 'not-now') this.#settle(held, plan.outcome);
      else if (await this.#assign(held, plan, stores)) planned.push(held as PlannedHeld);
      else this.#settle(held, { kind: 'held-back', why: 'no transfer tool knows a way between these stores' });
    }
    const ours = await this.#choose(planned);
    const kept = await this.#handOver(ours.filter(({ external }) => external !== undefined));
    for (const held of ours)
      if (held.planned?.isInPlace === true) this.#beginLook(held, readInPlace(this.#ports, held));
    const ready = ours.filter((held) => (held.external === undefined ? held.tool !== undefined : kept.has(held)));
    // No tool waits for another to answer.
    await Promise.all([
      ...[...Map.groupBy(ready, ({ tool }) => tool)].map(([tool, held]) => this.#submitTo(tool, held)),
      ...[...Map.groupBy(adopted, ({ external }) => external)].map(([external, held]) => this.#adopt(external, held)),
    ]);
  }

  /** Those that go now: of the others the lease is lost, or a limit makes them wait. */
  async #choose(wanted: readonly PlannedHeld[]): Promise<readonly HeldTransfer[]> {
    const lost: Lease[] = [];
    const ours: HeldTransfer[] = [];
    for (const [at, way] of (await chooseWays(this.#ports, wanted)).entries()) {
      const held: HeldTransfer = wanted[at] as PlannedHeld;
      if (way.kind === 'chosen') {
        held.planned = way.planned;
        ours.push(held);
      } else this.#letGo(held, way.kind === 'waits' ? undefined : 'postponed');
      if (way.kind === 'lost-lease') lost.push(held.request.lease);
    }
    if (lost.length > 0) await this.#ports.catalog.leaveCopies(lost);
    return ours;
  }

  /** False: no tool knows a way. */
  async #assign(held: HeldTransfer, planned: PlannedTransfer, stores: Stores): Promise<boolean> {
    held.planned = planned;
    held.ownWays = planned.ways;
    if (planned.isInPlace === true) return true;
    if (await this.#externals.assign(held, planned, stores)) return true;
    held.tool = this.#ports.tools.find((tool) =>
      planned.sources.every((source) => tool.canTransfer(source, planned.destination)),
    );
    return held.tool !== undefined;
  }

  async #handOver(batch: readonly HeldTransfer[]): Promise<ReadonlySet<HeldTransfer>> {
    if (batch.length === 0) return new Set();
    const kept = await this.#externals.handOver(batch);
    for (const held of batch) if (!kept.has(held)) this.#letGo(held, 'postponed');
    return kept;
  }

  /** What an earlier owner submitted, or was about to: the tool is asked what has become of it. */
  async #adopt(external: ExternalTool | undefined, batch: readonly HeldTransfer[]): Promise<void> {
    if (external === undefined) return;
    const ids = batch.map((held) => this.#track(external.tool, held));
    this.#heed(await this.#externals.askTool(external, ids));
  }

  #track(tool: TransferTool, held: HeldTransfer): string {
    const id = tool.idOf(held.attempt);
    if (held.external !== undefined && held.submissions++ === 0) this.#handedOver++;
    this.#submitted.set(id, held);
    return id;
  }

  /** What is told twice is settled once. */
  #heed(statuses: readonly TransferStatus[]): void {
    for (const status of statuses) if (status.kind === 'final') this.#take(status.id, status.outcome);
  }

  async #submitTo(tool: TransferTool | undefined, batch: readonly HeldTransfer[]): Promise<void> {
    if (tool === undefined) return;
    for (const held of batch) this.#track(tool, held);
    const batchMax = Math.min(tool.capabilities.batchMax, batch[0]?.external?.batchMax ?? Number.POSITIVE_INFINITY);
    for (let from = 0; from < batch.length; from += batchMax) {
      const part = batch.slice(from, from + batchMax);
      const answers = await this.#externals.submit(tool, part);
      for (const [at, held] of part.entries()) {
        this.#answered(tool, held, answers[at]);
        // It was told before anybody could be told of it.
        if (held.signal.aborted) this.#cancel(held);
      }
    }
  }

  #answered(tool: TransferTool, held: HeldTransfer, answer: Submission | undefined): void {
    if (answer?.kind === 'accepted' || answer?.kind === 'unsure') return;
    // Its lease was lost meanwhile.
    if (!this.#submitted.delete(tool.idOf(held.attempt))) return;
    const why = answer === undefined ? TOOL_WAIT_WHY : `${tool.name}: ${answer.why}`;
    // Somebody has to see to it at the server; nothing is said against the copy.
    const isOurs = held.external === undefined && answer?.reason === 'denied';
    if (answer?.reason === 'unsupported' || isOurs) {
      const failure = { ...this.#wayOf(held), at: 'between', kind: answer.reason } as const;
      // Another tool may know the way.
      if (held.planned !== undefined) held.planned = { ...held.planned, ways: [...held.planned.ways, ...held.ownWays] };
      this.#settle(held, { kind: 'failed', failure, why });
    } else this.#settle(held, { kind: 'held-back', why });
  }

  /** Its lease was lost, or the worker is to stop: the tool tells that it ended, or that it was faster. */
  #cancel(held: HeldTransfer): void {
    const { tool, external, request } = held;
    if (tool === undefined || (external !== undefined && this.#run.stop?.aborted === true)) return;
    if (external === undefined) return void tool.cancel([tool.idOf(held.attempt)]).catch(() => undefined);
    // Who has the request now has what the tool does, too; of a cancelled one it is ended by `endAbandoned`.
    if (!this.#submitted.delete(tool.idOf(held.attempt))) return;
    this.#letGo(held, 'postponed');
    this.#ports.catalog.leaveCopies([request.lease]).catch(() => undefined);
  }

  #take(id: string, report: ToolOutcome): void {
    const held = this.#submitted.get(id);
    if (held === undefined) return;
    this.#submitted.delete(id);
    if (report.kind === 'lost' && this.#externals.maySubmitAgain(held)) return this.#submitAgain(held);
    if (report.kind === 'held-back') {
      const name = this.#ports.stores.get(held.request.store)?.name ?? held.request.store;
      return this.#settle(held, { kind: 'held-back', why: `${name}: ${report.why}` });
    }
    const tried = report.kind === 'lost' ? [] : triedBy(held, report.failed);
    if (report.kind === 'arrived') return this.#beginConfirm(held, report, tried);
    const last = report.kind === 'lost' ? undefined : tried.at(-1);
    const failure = last ?? ({ ...this.#wayOf(held), at: 'between', kind: 'unavailable' } as const);
    const outcome = outcomeOf(report, failure, this.#run.stop?.aborted === true);
    const isOccupied = failure.at === 'destination' && failure.kind === 'precondition-failed';
    // A tool that knows no marks cannot tell whether it is what an earlier attempt has left.
    if (isOccupied && held.external !== undefined) return this.#beginConfirm(held, FOUND, tried.slice(0, -1), outcome);
    this.#settle(held, outcome, undefined, tried.slice(0, -1));
  }

  /** Begun once at most, as it has the same attempt. */
  #submitAgain(held: HeldTransfer): void {
    const batch = this.#submitTo(held.tool, [held])
      // What has become of it is asked for.
      .catch(() => undefined)
      .finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
  }

  #beginConfirm(held: HeldTransfer, arrived: Arrived, tried: readonly WayFailure[], otherwise?: AttemptOutcome): void {
    this.#beginLook(held, confirmHeld(this.#ports, held, { arrived, tried, otherwise }));
  }

  /** `looking`: ends with undefined where nothing is known of it yet. */
  #beginLook(held: HeldTransfer, looking: Promise<Omit<Ended, 'held'> | undefined>): void {
    const settle = async (): Promise<void> => {
      const ended = await looking;
      if (ended === undefined) this.#letGo(held, 'postponed');
      else this.#settle(held, ended.outcome, ended.arrived, ended.tried);
    };
    const batch = settle().finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
  }

  #wayOf({ planned }: HeldTransfer): Pick<WayFailure, 'source' | 'protocol'> {
    return planned?.way ?? { source: '', protocol: '' };
  }

  #settle(held: HeldTransfer, outcome: AttemptOutcome, arrived?: Arrived, tried: readonly WayFailure[] = []): void {
    this.#run.idle.heard(this.#ports.stores.get(held.request.store), outcome);
    this.#toSettle.push({ held, outcome, arrived, tried });
    this.#settling ??= this.#settleAll().finally(() => {
      this.#settling = undefined;
    });
  }

  async #settleAll(): Promise<void> {
    // What is reported in one turn of the event loop is one batch.
    await Promise.resolve();
    while (this.#toSettle.length > 0) {
      const batch = this.#toSettle.splice(0);
      const outcomes = batch.map((ended) => this.#decide(ended));
      try {
        const settled = await this.#ports.catalog.settleTransfers(outcomes.map((one) => one.outcome));
        const lost: Lease[] = [];
        for (const [at, { held, arrived }] of batch.entries()) {
          const isHeld = settled[at] === true;
          if (!isHeld) lost.push(held.request.lease);
          if (!isHeld || outcomes[at]?.isCopyUnwanted === true) await takeBackCopy(this.#ports, held, arrived);
          this.#letGo(held, isHeld ? (outcomes[at]?.kind ?? 'postponed') : 'postponed');
        }
        if (lost.length > 0) await this.#ports.catalog.leaveCopies(lost);
      } catch (error) {
        this.#ports.telling?.info?.('outcomes of transfers could not be recorded', { why: String(error) });
        for (const { held } of batch) this.#letGo(held, 'postponed');
      }
    }
  }

  #decide({ held, outcome, arrived, tried }: Ended): TransferDecision {
    const { clock, random, stores } = this.#ports;
    const { scope, versionId } = held.request;
    // A tool of others may have read something else than what it was told.
    const read = held.external === undefined ? arrived : undefined;
    const known = this.#stores.last?.stores ?? stores;
    const decision = decideTransfer({
      ...held,
      outcome,
      arrived,
      readSource: findReadSource({ ...held, scope, versionId, arrived: read, stores: known }),
      tried,
      busyMs: clock.monotonicMs() - held.startedMs,
      isSoft: stores.get(held.request.store)?.isSoft === true,
      nowMs: clock.nowMs(),
      fraction: random.fraction(),
    });
    const keepsHandedOver = held.row?.handedOver !== undefined && held.external === undefined;
    return keepsHandedOver ? { ...decision, outcome: { ...decision.outcome, keepsHandedOver } } : decision;
  }

  /** `kind` undefined: it was not tried. */
  #letGo(held: HeldTransfer, kind: keyof CarriedOut | undefined): void {
    if (held.isLetGo) return;
    held.isLetGo = true;
    this.#run.leases.letGo(held.request.lease);
    if (kind !== undefined) {
      this.counts[kind]++;
      this.#run.onCounted?.(kind);
    }
    this.#inFlight--;
    if (held.submissions > 0 && held.external !== undefined) this.#handedOver--;
    this.#wake.resolve();
  }
}
