import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import type { Way, WayFailure } from '../../domain/transfer/next-way.ts';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import type { TransferRow } from '../../ports/rules.ts';
import type {
  FailedSource,
  Transfer,
  TransferOutcome as ToolOutcome,
  TransferTool,
} from '../../ports/transfer-tool.ts';
import type { ExternalTool } from './external-tool.ts';
import { type PlannedTransfer, wayFrom } from './plan-transfer.ts';

/** One request this worker holds, from its claim to its outcome. */
export interface HeldTransfer {
  readonly request: ClaimedRequest;
  readonly signal: AbortSignal;
  row: TransferRow | undefined;
  planned: PlannedTransfer | undefined;
  tool: TransferTool | undefined;
  /** Given: the tool is this one's, and the attempt is written down with the request. */
  external: ExternalTool | undefined;
  /** The same for the same lease, whoever asks, and never given to another; of what a worker that died left, its own. */
  attempt: string;
  /** By which tools of this process would bring it. */
  ownWays: readonly Way[];
  /** With which its tool has it. */
  priority: number;
  /** How often it was submitted. */
  submissions: number;
  isLetGo: boolean;
  startedMs: number;
}

export type PlannedHeld = HeldTransfer & { readonly planned: PlannedTransfer };

export function holdTransfer(request: ClaimedRequest, signal: AbortSignal, startedMs: number): HeldTransfer {
  return {
    request,
    signal,
    row: undefined,
    planned: undefined,
    tool: undefined,
    external: undefined,
    attempt: `${request.lease.requestId}.${request.lease.token}`,
    ownWays: [],
    priority: request.priority,
    submissions: 0,
    isLetGo: false,
    startedMs,
  };
}

export function transferOf({ request, row, planned, attempt, priority }: HeldTransfer): Transfer {
  if (row === undefined || planned === undefined) throw new Error('a transfer is submitted that was not planned');
  const { size, sha256 } = row.content;
  return {
    attempt,
    sources: planned.sources,
    destination: planned.destination,
    onto: row.onto,
    leftFrom: row.leftFrom,
    content: { size, sha256, checksums: {}, operation: row.operation },
    priority,
    ...(request.ofRules === undefined ? {} : { activity: request.ofRules.activity }),
  };
}

/** What a tool's last word means for the request, where nothing arrived. */
export function outcomeOf(
  report: Exclude<ToolOutcome, { readonly kind: 'arrived' | 'held-back' }>,
  failure: WayFailure,
  isStopped: boolean,
): AttemptOutcome {
  if (report.kind === 'lost') return { kind: 'failed', failure, why: 'the transfer tool does not know of it any more' };
  const last = report.failed.at(-1) as FailedSource;
  if (last.kind === 'aborted' && isStopped) return { kind: 'interrupted' };
  return { kind: 'failed', failure, why: last.why };
}

/** Sources that failed in one attempt, as failures of their ways. */
export function triedBy({ planned }: HeldTransfer, failed: readonly FailedSource[]): readonly WayFailure[] {
  if (planned === undefined) return [];
  return failed.map(({ source, at, kind }) => ({ ...wayFrom(planned, source), at, kind }));
}

/** What a tool has that nobody here speaks to. */
export function whyUnknown({ handedOver }: TransferRow): string {
  return `the transfer tool ${handedOver?.tool} has it, and is not configured here; pando request retry gives it to another`;
}
