import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import type { WayFailure } from '../../domain/transfer/next-way.ts';
import type { ClaimedRequest, Lease } from '../../ports/catalog.ts';
import { StorageError } from '../../ports/storage.ts';
import type { StoreUse, TransferRow } from '../../ports/rules.ts';
import type {
  FailedSource,
  Submission,
  Transfer,
  TransferOutcome as ToolOutcome,
  TransferTool,
} from '../../ports/transfer-tool.ts';
import type { CarriedOut } from '../carry-out-requests.ts';
import type { RequestLeases } from '../request-leases.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { Stores } from '../stores/store-access.ts';
import { takeBack } from '../take-back.ts';
import { chooseWays } from './choose-ways.ts';
import { type Arrived, confirmArrival } from './confirm-arrival.ts';
import { decideTransfer, type EndedAttempt, type TransferDecision } from './decide-transfer.ts';
import { type PlannedTransfer, planTransfer, wayFrom } from './plan-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';
import { transferFacts } from './transfer-facts.ts';

/** What stores are known to hold may be so old where a transfer is planned. */
const STORES_MS_MAX = 2_000;
/** A tool that has no room, or does not answer, is asked again after this. */
const TOOL_WAIT_WHY = 'the transfer tool does not take it now';

/** What is known of stores at one moment. */
interface StoresNow {
  readonly use: ReadonlyMap<string, StoreUse>;
  readonly stores: Stores;
  readonly atMs: number;
}

/** One request this worker holds, from its claim to its outcome. */
interface Held {
  readonly request: ClaimedRequest;
  readonly signal: AbortSignal;
  row: TransferRow | undefined;
  planned: PlannedTransfer | undefined;
  tool: TransferTool | undefined;
  startedMs: number;
}

/** An attempt that is over, and not recorded. */
interface Ended extends Pick<EndedAttempt, 'outcome' | 'arrived' | 'tried'> {
  readonly held: Held;
}

/**
 * The transfers one worker has under way: planned and submitted in the batches in which they were claimed, settled in the batches in
 * which their reports come in.
 */
export class TransferRun implements AsyncDisposable {
  readonly counts: { -readonly [Kind in keyof CarriedOut]: CarriedOut[Kind] } = {
    done: 0,
    moot: 0,
    postponed: 0,
    failed: 0,
  };
  readonly #ports: TransferPorts;
  readonly #leases: RequestLeases;
  readonly #stop: AbortSignal | undefined;
  /** By the tool's id. */
  readonly #submitted = new Map<string, Held>();
  readonly #batches = new Set<Promise<void>>();
  readonly #unlisten: readonly (() => void)[];
  /** Outcomes that wait for the transaction before theirs. */
  #toSettle: Ended[] = [];
  #settling: Promise<void> | undefined;
  #wake = Promise.withResolvers<void>();
  #inFlight = 0;
  #stores: StoresNow | undefined;

  constructor(ports: TransferPorts, leases: RequestLeases, stop: AbortSignal | undefined) {
    this.#ports = ports;
    this.#leases = leases;
    this.#stop = stop;
    this.#unlisten = ports.tools.map((tool) => tool.onReport(({ id, outcome }) => this.#take(id, outcome)));
  }

  /** Claimed and not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  begin(claimed: readonly ClaimedRequest[]): void {
    this.#inFlight += claimed.length;
    const held = claimed.map(
      (request): Held => ({
        request,
        signal: this.#leases.hold(request.lease),
        row: undefined,
        planned: undefined,
        tool: undefined,
        startedMs: this.#ports.clock.monotonicMs(),
      }),
    );
    for (const one of held) one.signal.addEventListener('abort', () => this.#cancel(one), { once: true });
    const batch = this.#beginBatch(held).finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
  }

  /** Resolves when something was settled since it was asked before, or a while has passed; then tools that tell nothing are asked. */
  async settledSome(pollMs: number): Promise<void> {
    const waiting = new AbortController();
    if (this.#ports.tools.some((tool) => tool.capabilities.outlivesProcess)) {
      const pause = this.#ports.clock.sleep(pollMs, waiting.signal);
      void pause.then(() => this.#poll()).then(this.#wake.resolve, () => undefined);
    }
    await this.#wake.promise;
    waiting.abort();
    this.#wake = Promise.withResolvers<void>();
  }

  /** What is under way is given back, and all that was told is settled. */
  async end(): Promise<void> {
    await Promise.all(this.#batches);
    for (const [id, held] of this.#submitted) {
      // What goes on without this process is found again by whoever claims it next.
      if (this.#stop?.aborted !== true || held.tool?.capabilities.outlivesProcess !== true) continue;
      this.#submitted.delete(id);
      this.#letGo(held, 'postponed');
    }
    while (this.#inFlight > 0) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const unlisten of this.#unlisten) unlisten();
    await this.#settling;
  }

  async #beginBatch(batch: readonly Held[]): Promise<void> {
    try {
      await this.#submitBatch(batch);
    } catch (error) {
      // The catalog could not be asked: the leases run out, and others take the requests up.
      this.#ports.telling?.info?.('transfers could not be begun', { why: String(error) });
      for (const held of batch) this.#letGo(held, 'postponed');
    }
  }

  async #submitBatch(batch: readonly Held[]): Promise<void> {
    const { catalog } = this.#ports;
    const rows = await catalog.readTransfers(batch.map(({ request }) => request.lease.requestId));
    const { use, stores } = await this.#storesNow();
    const planned: { held: Held; request: ClaimedRequest; planned: PlannedTransfer }[] = [];
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
        clientSite: this.#ports.clientSite,
        topology: this.#ports.topology,
        fraction: this.#ports.random.fraction(),
      });
      if (plan.kind === 'not-now') this.#settle(held, plan.outcome);
      else planned.push({ held, request: held.request, planned: plan });
    }
    const lost: Lease[] = [];
    const ours: Held[] = [];
    for (const [at, way] of (await chooseWays(this.#ports, planned)).entries()) {
      const { held } = planned[at] as (typeof planned)[number];
      if (way.kind === 'chosen') {
        held.planned = way.planned;
        ours.push(held);
      } else this.#letGo(held, way.kind === 'waits' ? undefined : 'postponed');
      if (way.kind === 'lost-lease') lost.push(held.request.lease);
    }
    if (lost.length > 0) await catalog.leaveCopies(lost);
    for (const [tool, held] of Map.groupBy(ours, (one) => this.#toolFor(one))) await this.#submitTo(tool, held);
  }

  /** Whether transfers have ended that nobody has told us of. What is told twice is settled once. */
  async #poll(): Promise<void> {
    for (const tool of this.#ports.tools) {
      if (!tool.capabilities.outlivesProcess) continue;
      const ids = [...this.#submitted].filter(([, held]) => held.tool === tool).map(([id]) => id);
      for (let from = 0; from < ids.length; from += tool.capabilities.batchMax) {
        const statuses = await tool.poll(ids.slice(from, from + tool.capabilities.batchMax));
        for (const status of statuses) if (status.kind === 'final') this.#take(status.id, status.outcome);
      }
    }
  }

  #toolFor({ planned }: Held): TransferTool | undefined {
    return this.#ports.tools.find((tool) =>
      planned?.sources.every((source) => tool.canTransfer(source, planned.destination)),
    );
  }

  async #submitTo(tool: TransferTool | undefined, batch: readonly Held[]): Promise<void> {
    if (tool === undefined) {
      const why = 'no transfer tool knows a way between these stores';
      for (const held of batch) this.#settle(held, { kind: 'held-back', why });
      return;
    }
    for (const held of batch) {
      held.tool = tool;
      this.#submitted.set(tool.idOf(attemptOf(held)), held);
    }
    const { batchMax } = tool.capabilities;
    for (let from = 0; from < batch.length; from += batchMax) {
      const part = batch.slice(from, from + batchMax);
      const answers = await tool.submit(part.map((held) => transferOf(held)));
      for (const [at, held] of part.entries()) this.#answered(tool, held, answers[at]);
    }
  }

  #answered(tool: TransferTool, held: Held, answer: Submission | undefined): void {
    if (answer?.kind === 'accepted' || answer?.kind === 'unsure') return;
    this.#submitted.delete(tool.idOf(attemptOf(held)));
    const why = answer === undefined ? TOOL_WAIT_WHY : `${tool.name}: ${answer.why}`;
    if (answer?.reason === 'unsupported' || answer?.reason === 'denied') {
      const failure = { ...this.#wayOf(held), at: 'between', kind: answer.reason } as const;
      this.#settle(held, { kind: 'failed', failure, why });
    } else this.#settle(held, { kind: 'held-back', why });
  }

  /** Its lease was lost, or the worker is to stop: the tool tells that it ended, or that it was faster. */
  #cancel(held: Held): void {
    const { tool } = held;
    if (tool === undefined || (tool.capabilities.outlivesProcess && this.#stop?.aborted === true)) return;
    void tool.cancel([tool.idOf(attemptOf(held))]).catch(() => undefined);
  }

  #take(id: string, report: ToolOutcome): void {
    const held = this.#submitted.get(id);
    if (held === undefined) return;
    this.#submitted.delete(id);
    const tried = report.kind === 'lost' ? [] : triedBy(held, report.failed);
    if (report.kind !== 'arrived') {
      const last = report.kind === 'lost' ? undefined : tried.at(-1);
      const failure = last ?? ({ ...this.#wayOf(held), at: 'between', kind: 'unavailable' } as const);
      this.#settle(held, outcomeOf(report, failure, this.#stop?.aborted === true), undefined, tried.slice(0, -1));
      return;
    }
    const batch = this.#confirm(held, report, tried).finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
  }

  async #confirm(held: Held, arrived: Arrived, tried: readonly WayFailure[]): Promise<void> {
    const { request, row, planned } = held;
    const destination = this.#ports.stores.get(request.store);
    if (destination === undefined || row === undefined || planned === undefined) return;
    const { store: by } = planned.destination;
    const { place: key, content } = row;
    try {
      const arrival = { destination, by, key, content, signal: held.signal };
      this.#settle(held, { kind: 'arrived' }, await confirmArrival(this.#ports, arrived, arrival), tried);
    } catch (error) {
      if (held.signal.aborted) return this.#settle(held, { kind: 'interrupted' });
      const kind = error instanceof StorageError ? error.kind : 'unavailable';
      const failure = { ...wayFrom(planned, arrived.source), at: 'destination', kind } as const;
      const why = error instanceof Error ? error.message : String(error);
      this.#settle(held, { kind: 'failed', failure, why }, undefined, tried);
    }
  }

  #wayOf({ planned }: Held): Pick<WayFailure, 'source' | 'protocol'> {
    return planned?.way ?? { source: '', protocol: '' };
  }

  #settle(held: Held, outcome: AttemptOutcome, arrived?: Arrived, tried: readonly WayFailure[] = []): void {
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
          if (!isHeld || outcomes[at]?.isCopyUnwanted === true) await this.#takeBack(held, arrived);
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
    return decideTransfer({
      ...held,
      outcome,
      arrived,
      tried,
      busyMs: clock.monotonicMs() - held.startedMs,
      isSoft: stores.get(held.request.store)?.isSoft === true,
      nowMs: clock.nowMs(),
      fraction: random.fraction(),
    });
  }

  /** The lease was lost, or nobody wants the copy any more: it goes where it is still as it was written (I5). */
  async #takeBack({ request, row, planned }: Held, arrived: Arrived | undefined): Promise<void> {
    if (arrived === undefined || arrived.wasThere || arrived.token === undefined || row === undefined) return;
    const { catalog, stores, events } = this.#ports;
    const now = await catalog.readObject(request.scope, request.name);
    const replica = now?.replicas.find((one) => one.store === request.store && one.versionId === request.versionId);
    // Somebody else goes on with it, and finds it there.
    if (now?.current.id === request.versionId && replica !== undefined && replica.state !== 'BEING_DELETED') return;
    const protocol = stores.get(request.store)?.protocols.find(({ place }) => place === planned?.destination.store);
    try {
      const storage = await protocol?.open();
      if (storage !== undefined)
        await takeBack(storage, { key: row.place, token: arrived.token, operation: row.operation });
    } catch (error) {
      const { scope, name, store } = request;
      events.report({ kind: 'late-copy-left', scope, name, store, detail: String(error) });
    }
  }

  /** `kind` undefined: it was not tried. */
  #letGo(held: Held, kind: keyof CarriedOut | undefined): void {
    this.#leases.letGo(held.request.lease);
    if (kind !== undefined) this.counts[kind]++;
    this.#inFlight--;
    this.#wake.resolve();
  }

  async #storesNow(): Promise<StoresNow> {
    const { catalog, clock, stores } = this.#ports;
    const atMs = clock.monotonicMs();
    if (this.#stores !== undefined && atMs - this.#stores.atMs < STORES_MS_MAX) return this.#stores;
    const use = await catalog.readStoreUse();
    this.#stores = { use: new Map(use.map((one) => [one.store, one])), stores: heedSaid(stores, use), atMs };
    return this.#stores;
  }
}

/** The same for the same lease, whoever asks, and never given to another. */
function attemptOf({ request: { lease } }: Held): string {
  return `${lease.requestId}.${lease.token}`;
}

function transferOf(held: Held): Transfer {
  const { request, row, planned } = held;
  if (row === undefined || planned === undefined) throw new Error('a transfer is submitted that was not planned');
  const { size, sha256 } = row.content;
  return {
    attempt: attemptOf(held),
    sources: planned.sources,
    destination: planned.destination,
    onto: row.onto,
    leftFrom: row.leftFrom,
    content: { size, sha256, checksums: {}, operation: row.operation },
    priority: request.priority,
    ...(request.ofRules === undefined ? {} : { activity: request.ofRules.activity }),
  };
}

/** What a tool's last word means for the request, where nothing arrived. */
function outcomeOf(
  report: Exclude<ToolOutcome, { readonly kind: 'arrived' }>,
  failure: WayFailure,
  isStopped: boolean,
): AttemptOutcome {
  if (report.kind === 'lost') return { kind: 'failed', failure, why: 'the transfer tool does not know of it any more' };
  const last = report.failed.at(-1) as FailedSource;
  if (last.kind === 'aborted' && isStopped) return { kind: 'interrupted' };
  return { kind: 'failed', failure, why: last.why };
}

/** Sources that failed in one attempt, as failures of their ways. */
function triedBy({ planned }: Held, failed: readonly FailedSource[]): readonly WayFailure[] {
  if (planned === undefined) return [];
  return failed.map(({ source, at, kind }) => ({ ...wayFrom(planned, source), at, kind }));
}
