import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { SyncResult } from '../../src/engine/sync/sync-types.ts';
import { startedFile } from '../started-files.ts';
import type { ChildTask } from './sync-child.ts';

export interface Child {
  readonly process: ChildProcess;
  /** The result, or why there is none; `undefined` when it ended before it had one. */
  readonly ended: Promise<ChildEnd>;
}

export interface ChildEnd {
  readonly signal: NodeJS.Signals | null;
  readonly result: SyncResult | undefined;
  readonly error: string | undefined;
  readonly workersLost: readonly string[];
  /** Times it said that no worker takes pages, and that it waits for those of the run before. */
  readonly noWorker: readonly number[];
  readonly settled: readonly number[];
  readonly peakBytes: number;
  readonly errors: string;
}

/** A sync in a process of its own; `before` are words to put before the command (`strace …`, `setpriv …`). */
export function startSync(
  task: ChildTask,
  options: { before?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Child {
  const words = [
    ...(options.before ?? []),
    process.execPath,
    startedFile(join(import.meta.dirname, 'sync-child.ts')),
    JSON.stringify(task),
  ];
  const child = spawn(words[0] as string, words.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      const line = output.split('\n').find((one) => one.startsWith('{'));
      const answer = (line === undefined ? {} : JSON.parse(line)) as Partial<SyncResult> & {
        error?: string;
        workersLost?: string[];
        noWorker?: number[];
        settled?: number[];
        peakBytes?: number;
      };
      resolve({
        signal,
        result: answer.state === undefined ? undefined : (answer as SyncResult),
        error: answer.error,
        workersLost: answer.workersLost ?? [],
        noWorker: answer.noWorker ?? [],
        settled: answer.settled ?? [],
        peakBytes: answer.peakBytes ?? 0,
        errors,
      });
    });
  });
  return { process: child, ended };
}

export async function runSync(task: ChildTask, options: Parameters<typeof startSync>[1] = {}): Promise<SyncResult> {
  const { result, error, errors } = await startSync(task, options).ended;
  if (result === undefined) throw new Error(`the sync gave no result: ${error ?? ''}\n${errors}`);
  return result;
}

/** Process ids of a process's children. */
export function childrenOf(pid: number): number[] {
  try {
    return execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
      .split('\n')
      .map((line) => Number.parseInt(line, 10))
      .filter((one) => one > 0);
  } catch {
    return [];
  }
}

export const isRoot = process.getuid?.() === 0;

/** Words that run a command as nobody; only root can become somebody else. */
export const AS_NOBODY = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
