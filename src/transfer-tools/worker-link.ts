import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import type { CopyAnswer, CopyCommand } from './copy-messages.ts';

/** A worker seen from its pool. */
export interface WorkerLink {
  /** Process id; undefined for a thread. */
  readonly pid: number | undefined;
  send(command: CopyCommand): void;
  /** Asks it to close, and waits until it has ended. */
  close(): Promise<void>;
}

export interface LinkListeners {
  readonly onAnswer: (answer: CopyAnswer) => void;
  /** It ended, whatever the reason; told once. */
  readonly onEnd: (why: string) => void;
}

export type OpenLink = (listeners: LinkListeners) => WorkerLink;

/** Threads of this process: quick to start, gone with it. */
export function threadLink(entry: URL, init: unknown): OpenLink {
  return ({ onAnswer, onEnd }) => {
    const worker = new Worker(entry, { workerData: init, resourceLimits: { maxYoungGenerationSizeMb: 16 } });
    worker.on('message', onAnswer);
    let why = 'it ended';
    worker.on('error', (error) => {
      why = error.message;
    });
    const ended = new Promise<void>((resolve) => {
      worker.on('exit', () => {
        resolve();
        onEnd(why);
      });
    });
    return {
      pid: undefined,
      send: (command) => worker.postMessage(command),
      async close() {
        worker.postMessage({ kind: 'close' } satisfies CopyCommand);
        await ended;
      },
    };
  };
}

/** Processes of their own: one that is killed, or runs out of memory, takes nothing else with it. */
export function processLink(entry: URL, init: unknown): OpenLink {
  return ({ onAnswer, onEnd }) => {
    const child = fork(entry, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    child.send({ kind: 'init', init });
    child.on('message', (answer) => onAnswer(answer as CopyAnswer));
    child.on('error', () => undefined);
    const ended = new Promise<void>((resolve) => {
      child.on('exit', (code, signal) => {
        resolve();
        onEnd(signal === null ? `its process ended with code ${code}` : `its process was ended by ${signal}`);
      });
    });
    const send = (command: CopyCommand): void => {
      if (child.connected) child.send(command, () => undefined);
    };
    return {
      pid: child.pid,
      send,
      async close() {
        send({ kind: 'close' });
        await ended;
      },
    };
  };
}
