import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/events.ts';
import type { Random } from '../../ports/random.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { Telling } from '../../ports/telling.ts';
import type { TransferTool } from '../../ports/transfer-tool.ts';
import type { CarriedOut, OnCounted } from '../carry-out-requests.ts';
import type { Topology } from '../../domain/transfer/find-route.ts';
import type { TransferLimits } from '../../domain/transfer/transfer-limits.ts';
import type { StoreHealth } from '../store-health.ts';
import type { Stores } from '../stores/store-access.ts';
import { DueWaits } from '../due-waits.ts';
import { IdleRun } from '../idle-run.ts';
import { type OnRenewed, RequestLeases } from '../request-leases.ts';
import type { ExternalTool } from './external-tool.ts';
import { TransferRun } from './transfer-run.ts';

export interface TransferPorts {
  readonly catalog: Pick<
    Catalog & RuleCatalog,
    | 'claimRequests'
    | 'renewRequests'
    | 'readTransfers'
    | 'chooseSources'
    | 'chooseSourcesWithin'
    | 'settleTransfers'
    | 'leaveCopies'
    | 'readStoreUse'
    | 'readObject'
    | 'site'
    | 'handOver'
    | 'onDue'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly health: StoreHealth;
  readonly stores: Stores;
  /** Of this process: what they have ends with it. The first that knows a way carries a transfer out. */
  readonly tools: readonly TransferTool[];
  /** Asked before these. */
  readonly externals?: readonly ExternalTool[];
  readonly topology: Topology;
  /** Of all workers together; undefined: none, and no shares. */
  readonly limits?: TransferLimits | undefined;
  /** Where this machine stands. */
  readonly clientSite: string | undefined;
  readonly telling?: Telling | undefined;
}

export interface RunTransfers {
  /** Printable: who claims them. */
  readonly owner: string;
  /** `idle`: nothing is due now. A signal: until it is aborted; requests that come later are carried out too. */
  readonly until: 'idle' | AbortSignal;
  /** Ends a run until idle early: what is under way is given back to the queue. */
  readonly signal?: AbortSignal;
  /** Transfers under way at once. */
  readonly inFlightMax?: number;
  readonly onCounted?: OnCounted | undefined;
  /** Of a run until idle that does more than these copies; by default they are a run of their own. */
  readonly idle?: IdleRun | undefined;
}

export interface TransferRunParts {
  readonly leases: RequestLeases;
  readonly stop: AbortSignal | undefined;
  /** Of a run until idle. */
  readonly idle: IdleRun | undefined;
  readonly onCounted: OnCounted | undefined;
}

/** Enough for pages of small objects to share their flushes. */
const IN_FLIGHT_MAX = 1_024;
/** Of what transfer tools have that outlive the worker, which asks after it and no more. */
const HANDED_OVER_MAX = 10_000;
/** Claimed in one transaction. */
const CLAIM_MAX = 256;
/** A worker that sleeps longer than this loses its claims. Renewed at a third. */
const LEASE_MS = 60_000;
/** A worker without work, to which nobody tells of any, looks again after this. */
const POLL_MS = 1_000;

/** Carries out copies that rules ask for. Failures of single transfers are recorded with their requests. */
export async function runTransfers(ports: TransferPorts, args: RunTransfers): Promise<CarriedOut> {
  const { owner, until, inFlightMax = IN_FLIGHT_MAX } = args;
  const stop = until === 'idle' ? args.signal : until;
  const extend = (untilMs: number): void => {
    for (const tool of ports.tools) tool.extend(untilMs);
  };
  const renewed: OnRenewed = (untilMs, priorities) => {
    extend(untilMs);
    void run.follow(priorities);
  };
  await using leases = new RequestLeases(ports.catalog, ports.clock, LEASE_MS, stop, renewed);
  const idle = until === 'idle' ? (args.idle ?? new IdleRun(ports.clock)) : undefined;
  await using run = new TransferRun(ports, { leases, stop, idle, onCounted: args.onCounted });

  using waits = new DueWaits(ports.catalog, ports.clock);
  const { limits } = ports;
  const wanted = { work: 'rule-copies', ...(limits === undefined ? {} : { limits }) } as const;
  while (stop?.aborted !== true) {
    const { inFlight, handedOver } = run;
    const room = Math.min(CLAIM_MAX, inFlightMax - (inFlight - handedOver), HANDED_OVER_MAX - handedOver);
    // Claims that are held already stand for less; with the next renewal all stand as long.
    if (run.inFlight === 0) extend(ports.clock.monotonicMs() + LEASE_MS);
    const claimed =
      room <= 0
        ? []
        : await ports.catalog.claimRequests({ owner, limit: room, leaseMs: LEASE_MS, ...wanted, ...idle?.leaves() });
    if (claimed.length > 0) {
      waits.found();
      run.begin(claimed);
    } else if (run.inFlight > 0) await run.settledSome(POLL_MS);
    else if (until === 'idle') break;
    else await waits.wait(POLL_MS, stop);
  }
  await run.end();
  return run.counts;
}
