import { parentPort } from 'node:worker_threads';
import type { CopyCommand } from '../../src/transfer-tools/copy-messages.ts';
import { serveCopies } from '../../src/transfer-tools/serve-copies.ts';

async function meetError(): Promise<never> {
  throw new Error('nobody foresaw this');
}

// A copy worker in which carrying out a page meets an error that nobody foresaw.
serveCopies(
  {
    send: (answer) => parentPort?.postMessage(answer),
    onCommand: (receive) => parentPort?.on('message', (command) => receive(command as CopyCommand)),
    close: () => parentPort?.close(),
  },
  { copy: meetError, read: meetError },
  async () => undefined,
);
