import assert from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { AT_SERVER } from '../config/surroundings.ts';
import { encodeFrame, type FrameKind } from '../domain/command-frames.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { GlobalOptions } from './global-options.ts';

/** A command that was told to stop has so long to do it in order. */
const GRACE_MS = 10_000;
/** After so long in which a command says nothing an empty frame tells that it goes on: where nothing moves, the connection is closed. */
const SILENT_MS_MAX = 10_000;

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
    if (named !== undefined) return yield* refuse(`${named}: a server has its own`, EXIT.usage);
    const seal = randomUUID();
    let child: ChildProcess;
    try {
      // By the channel it hears that we are gone (interrupt.ts).
      const env = { ...environment, [AT_SERVER]: seal, PANDO_TIED: '1' };
      const stdio = ['pipe', 'pipe', 'pipe', 'ipc'] as const;
      child = spawn(process.execPath, [launcher, ...own, ...args], { env, stdio: [...stdio] });
      await once(child, 'spawn');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'E2BIG') return yield* refuse('its words are too long for one command', EXIT.usage);
      return yield* refuse(`the command could not be started (${code ?? String(error)})`, EXIT.unavailable);
    }
    yield* follow(child, { stdin: sealed(stdin, seal), signal });
  };
}

async function* refuse(why: string, exitCode: ExitCode): AsyncGenerator<Uint8Array> {
  yield encodeFrame({ kind: 'stderr', bytes: Buffer.from(`pando: ${why}\n`) });
  yield encodeFrame({ kind: 'end', bytes: Uint8Array.of(exitCode) });
}

/** What broke off has no seal: a command that saw none would take it for whole (stdin.ts). */
async function* sealed(stdin: AsyncIterable<Uint8Array>, seal: string): AsyncGenerator<Uint8Array> {
  yield* stdin;
  yield Buffer.from(seal);
}

async function* follow(child: ChildProcess, { stdin, signal }: Omit<Command, 'args'>): AsyncGenerator<Uint8Array> {
  const { stdin: into, stdout, stderr } = child;
  assert(into !== null && stdout !== null && stderr !== null);
  let isTold = false;
  const stop = (): void => {
    // Told twice, it would end at once.
    if (isTold) return;
    isTold = true;
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  // A command that ended reads no more.
  into.on('error', () => undefined);
  void feed(into, stdin).catch(stop);
  const frames = new Frames();
  stdout.on('data', (bytes: Buffer) => frames.add('stdout', bytes, stdout));
  stderr.on('data', (bytes: Buffer) => frames.add('stderr', bytes, stderr));
  child.once('close', (code, killedBy) => {
    if (code === null && !isTold) frames.add('stderr', Buffer.from(`pando: the command was ended by ${killedBy}\n`));
    frames.end(code ?? (isTold ? EXIT.interrupted : EXIT.failed));
  });
  try {
    yield* frames.all();
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.exitCode === null && child.signalCode === null) stop();
  }
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

  add(kind: FrameKind, bytes: Uint8Array, source?: Pausable): void {
    this.#waiting.push(encodeFrame({ kind, bytes }));
    if (source !== undefined) {
      source.pause();
      this.#paused.push(source);
    }
    this.#wake();
  }

  end(code: number): void {
    this.#isOver = true;
    this.add('end', Uint8Array.of(code));
  }

  async *all(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const ready = this.#waiting;
      this.#waiting = [];
      yield* ready;
      for (const source of this.#paused.splice(0)) source.resume();
      if (this.#waiting.length > 0) continue;
      if (this.#isOver) return;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const silent = setTimeout(() => this.add('stdout', new Uint8Array()), SILENT_MS_MAX);
    await promise;
    clearTimeout(silent);
  }
}
