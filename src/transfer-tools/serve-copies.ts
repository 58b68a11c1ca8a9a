import type { CopyOutcome, CopyPage } from '../ports/copy-pool.ts';
import { type CopyAnswer, type CopyCommand, decodePage, encodeOutcomes } from './copy-messages.ts';

export interface CopyGuards {
  readonly publishUntilMs: () => number;
  readonly isStopped: () => boolean;
}

export interface WorkerChannel {
  send(answer: CopyAnswer): void;
  onCommand(receive: (command: CopyCommand) => void): void;
  close(): void;
}

/** The loop of a copy worker: pages in, outcomes out, one page at a time; the lease's end may move while a page is under way. */
export function serveCopies(
  channel: WorkerChannel,
  carryOut: (page: CopyPage, guards: CopyGuards) => Promise<readonly CopyOutcome[]>,
  dispose: () => Promise<void>,
): void {
  let publishUntilMs = 0;
  let stopped = false;
  const guards = { publishUntilMs: () => publishUntilMs, isStopped: () => stopped };
  const runPage = async (id: number, page: CopyPage): Promise<void> => {
    publishUntilMs = Math.max(publishUntilMs, page.publishUntilMs);
    try {
      channel.send({ kind: 'done', id, outcomes: encodeOutcomes(await carryOut(page, guards)) });
    } catch (error) {
      channel.send({
        kind: 'crashed',
        id,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  };
  channel.onCommand((command) => {
    switch (command.kind) {
      case 'page':
        void runPage(command.id, decodePage(command.page));
        return;
      case 'extend':
        publishUntilMs = command.publishUntilMs;
        return;
      case 'stop':
        stopped = true;
        return;
      case 'close':
        void dispose().finally(() => channel.close());
    }
  });
  channel.send({ kind: 'ready' });
}
