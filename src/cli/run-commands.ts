import { spawn } from 'node:child_process';
import { AT_SERVER } from '../config/surroundings.ts';
import { encodeFrame, type FrameKind } from '../domain/command-frames.ts';
import { EXIT } from './exit-codes.ts';
import type { GlobalOptions } from './global-options.ts';

/** A command that was told to stop has so long to do it in order. */
const GRACE_MS = 10_000;

interface Command {
  readonly args: readonly string[];
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * Carries out command lines of others in a process each, with the configuration and the catalog of this one: what they need of memory and
 * time is not the server's, and they mean what they mean on this machine.
 */
export function commandRunner({ config, data }: Pick<GlobalOptions, 'config' | 'data'>) {
  const launcher = process.argv[1] ?? '';
  const own = [...(config === undefined ? [] : ['--config', config]), ...(data === undefined ? [] : ['--data', data])];
  const { PANDO_SERVER: _server, PANDO_TOKEN: _token, ...environment } = process.env;
  return async function* run({ args, stdin, signal }: Command): AsyncGenerator<Uint8Array> {
    const named = args.find((word) => /^--(?:config|data|server)(?:=|$)/.test(word));
    if (named !== undefined) {
      yield encodeFrame({ kind: 'stderr', bytes: Buffer.from(`pando: ${named}: a server has its own\n`) });
      yield encodeFrame({ kind: 'end', bytes: Uint8Array.of(EXIT.usage) });
      return;
    }
    const child = spawn(process.execPath, [launcher, ...own, ...args], {
      env: { ...environment, [AT_SERVER]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stop = (): void => {
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    // A command that ended reads no more.
    child.stdin.on('error', () => undefined);
    // What broke off has no end: a command that saw one would take it for whole.
    void feed(child.stdin, stdin).catch(stop);
    const frames = new Frames();
    child.stdout.on('data', (bytes: Buffer) => frames.add('stdout', bytes, child.stdout));
    child.stderr.on('data', (bytes: Buffer) => frames.add('stderr', bytes, child.stderr));
    child.once('error', () => frames.end(EXIT.failed));
    child.once('close', (code) => frames.end(code ?? EXIT.interrupted));
    try {
      yield* frames.all();
    } finally {
      signal.removeEventListener('abort', stop);
      if (child.exitCode === null && child.signalCode === null) stop();
    }
  };
}

async function feed(into: NodeJS.WritableStream, from: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of from) {
    // The chunk is ours until the next is asked for.
    // A pipe that is closed was closed by a command that has ended.
    await new Promise<void>((resolve) => {
      into.write(chunk, () => resolve());
    });
  }
  into.end();
}

interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** A slow reader holds the command up, and nothing is kept meanwhile but what it had written. */
class Frames {
  #waiting: Uint8Array[] = [];
  #paused: Pausable[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  add(kind: FrameKind, bytes: Uint8Array, source: Pausable): void {
    this.#waiting.push(encodeFrame({ kind, bytes }));
    source.pause();
    this.#paused.push(source);
    this.#wake();
  }

  end(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting.push(encodeFrame({ kind: 'end', bytes: Uint8Array.of(code) }));
    this.#wake();
  }

  async *all(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const ready = this.#waiting;
      this.#waiting = [];
      yield* ready;
      for (const source of this.#paused.splice(0)) source.resume();
      if (this.#waiting.length > 0) continue;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
