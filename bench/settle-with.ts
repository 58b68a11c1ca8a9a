import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export interface SettleInit {
  readonly kind: 'sqlite' | 'postgres' | 'pg-boss';
  /** Path or URL. */
  readonly location: string;
  /** Of the configuration. */
  readonly directory: string;
  readonly isLimited: boolean;
  /** Of pg-boss. */
  readonly queue: string;
  /** Of this process. */
  readonly requests: number;
}

export interface Settled {
  readonly count: number;
  readonly peakBytes: number;
}

/** So many processes, each with a connection of its own, take requests to their end. Starting them is not timed. */
export async function settleWith(
  processes: number,
  requests: number,
  init: Omit<SettleInit, 'requests'>,
): Promise<{ readonly seconds: number; readonly peakBytes: number }> {
  const children = Array.from({ length: processes }, () => fork(new URL('settle-child.ts', import.meta.url)));
  try {
    await Promise.all(
      children.map((child) => {
        child.send({ ...init, requests: Math.ceil(requests / processes) } satisfies SettleInit);
        return messageOf(child);
      }),
    );
    const start = performance.now();
    for (const child of children) child.send('begin');
    const settled = (await Promise.all(children.map(messageOf))) as Settled[];
    const seconds = (performance.now() - start) / 1000;
    const count = settled.reduce((sum, one) => sum + one.count, 0);
    if (count < requests) throw new Error(`${count} of ${requests} requests were settled`);
    return { seconds, peakBytes: Math.max(...settled.map(({ peakBytes }) => peakBytes)) };
  } finally {
    for (const child of children) if (child.exitCode === null) child.kill();
  }
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`a worker of the bench ended with ${code}`);
  });
  exit.catch(() => undefined);
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: ended.signal }), exit])) as [unknown];
    return message;
  } finally {
    ended.abort();
  }
}
