import type { CopyItem } from '../../ports/copy-pool.ts';
import type { FailedSource, Transfer, TransferSource } from '../../ports/transfer-tool.ts';

/** A transfer that was submitted to this process and is not over. */
export interface WaitingTransfer {
  readonly id: string;
  readonly transfer: Transfer;
  priority: number;
  /** Which of its sources is next, or is being asked. */
  sourceAt: number;
  readonly failed: FailedSource[];
  /** What the destination is expected to hold: what it was told to be, or nothing once it is known to be gone. */
  onto: string | undefined;
  /** Of the attempt that is under way, where it is alone in its page. */
  bytes: number | undefined;
  isMoving: boolean;
  isCancelled: boolean;
  /** Of what is moving: its page is given up half-way where nothing of it is wanted any more. */
  giveUp: (() => void) | undefined;
}

/** Larger objects are copied alone: they pay for a flush of their own, and tell how far they are. */
const SMALL_BYTES_MAX = 8 * 1024 * 1024;
/** What one page moves at most, so that its first arrival is not held up for long by the common flush. */
const PAGE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Takes out what is to be copied as one page: the most urgent, and behind it those to the same store, which then share a flush.
 * Of equally urgent ones the longest waiting is first.
 */
export function takePage(waiting: WaitingTransfer[], itemsMax: number): WaitingTransfer[] {
  waiting.sort((a, b) => a.priority - b.priority);
  const first = waiting[0];
  if (first === undefined) return [];
  const { store } = first.transfer.destination;
  const page: WaitingTransfer[] = [];
  let bytes = 0;
  for (const one of waiting) {
    const { destination, content } = one.transfer;
    if (page.length === itemsMax || (page.length > 0 && bytes + content.size > PAGE_BYTES_MAX)) break;
    if (destination.store !== store || (page.length > 0 && content.size > SMALL_BYTES_MAX)) continue;
    page.push(one);
    bytes += content.size;
    if (content.size > SMALL_BYTES_MAX) break;
  }
  const taken = new Set(page);
  waiting.splice(0, waiting.length, ...waiting.filter((one) => !taken.has(one)));
  return page;
}

/** `stores`: places, in the order of the pool's targets. */
export function copyItemOf({ transfer, sourceAt, onto }: WaitingTransfer, stores: readonly string[]): CopyItem {
  const { content, destination } = transfer;
  const { operation, sha256, size } = content;
  const source = transfer.sources[sourceAt] as TransferSource;
  const target = stores.indexOf(destination.store);
  return {
    key: source.key,
    size,
    targets: [{ target, how: 'copy', expected: onto, key: destination.key }],
    operation,
    known: sha256 === undefined ? undefined : { sha256, operation },
    wanted: { store: stores.indexOf(source.store) + 1, token: source.token, size, sha256 },
  };
}
