import type { CopyOutcome, CopyPage, HeldBackPart, OnMoved, ReadOutcome, ReadPage } from '../ports/copy-pool.ts';
import {
  type CopyAnswer,
  type CopyCommand,
  decodeCopyPage,
  decodeReadPage,
  type EncodedOutcomes,
  type EncodedPage,
  encodeOutcomes,
  encodeReads,
} from './copy-messages.ts';

export interface ReadGuards {
  /** Aborted by a stop, or when the page is to be given up. */
  readonly signal: AbortSignal;
  readonly onMoved: OnMoved;
}

export interface CopyGuards extends ReadGuards {
  readonly publishUntilMs: () => number;
  readonly heldBack: () => readonly HeldBackPart[];
}

/** What a worker can do with a page. */
export interface PageWork {
  copy(page: CopyPage, guards: CopyGuards): Promise<readonly CopyOutcome[]>;
  read(page: ReadPage, guards: ReadGuards): Promise<readonly ReadOutcome[]>;
}

export interface WorkerChannel {
  send(answer: CopyAnswer): void;
  onCommand(receive: (command: CopyCommand) => void): void;
  close(): void;
}

/** The loop of a copy worker: pages in, outcomes out; the lease's end may move, and a stop may come, while a page is under way. */
export function serveCopies(channel: WorkerChannel, work: PageWork, dispose: () => Promise<void>): void {
  let publishUntilMs = 0;
  let heldBack: readonly HeldBackPart[] = [];
  let isStopped = false;
  const underWay = new Map<number, AbortController>();
  const carryOut = async (kind: 'copy' | 'read', id: number, encoded: EncodedPage): Promise<EncodedOutcomes> => {
    const onMoved = (bytes: number): void => channel.send({ kind: 'moved', id, bytes });
    // One of its own: one that follows others is dear to ask, which is done for each object.
    const own = new AbortController();
    if (isStopped) own.abort();
    underWay.set(id, own);
    const guards = {
      publishUntilMs: () => publishUntilMs,
      heldBack: () => heldBack,
      signal: own.signal,
      onMoved,
    };
    if (kind === 'read') return encodeReads(await work.read(decodeReadPage(encoded), guards));
    const page = decodeCopyPage(encoded);
    publishUntilMs = Math.max(publishUntilMs, page.publishUntilMs);
    return encodeOutcomes(await work.copy(page, guards));
  };
  const runPage = async (kind: 'copy' | 'read', id: number, page: EncodedPage): Promise<void> => {
    try {
      channel.send({ kind: 'done', id, outcomes: await carryOut(kind, id, page) });
    } catch (error) {
      channel.send({
        kind: 'crashed',
        id,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    } finally {
      underWay.delete(id);
    }
  };
  channel.onCommand((command) => {
    switch (command.kind) {
      case 'copy':
      case 'read':
        void runPage(command.kind, command.id, command.page);
        return;
      case 'extend':
        publishUntilMs = command.publishUntilMs;
        return;
      case 'hold-back':
        heldBack = command.parts;
        return;
      case 'cancel':
        underWay.get(command.id)?.abort();
        return;
      case 'stop':
        isStopped = true;
        for (const page of underWay.values()) page.abort();
        return;
      case 'close':
        void dispose().finally(() => channel.close());
    }
  });
  channel.send({ kind: 'ready' });
}
