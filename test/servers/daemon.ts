import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One process of a server under test, in a process group of its own so that no signal of the terminal reaches it. */
export class Daemon {
  readonly name: string;
  readonly #command: readonly string[];
  readonly #log: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #killAtExit = (): void => this.kill();
  #child: ChildProcess | undefined;

  constructor(name: string, command: readonly string[], log: string, environment: NodeJS.ProcessEnv) {
    this.name = name;
    this.#command = command;
    this.#log = log;
    this.#environment = environment;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    const [program, ...rest] = this.#command as [string, ...string[]];
    const out = openSync(this.#log, 'a');
    this.#child = spawn(program, rest, { detached: true, stdio: ['ignore', out, out], env: this.#environment });
    this.#child.unref();
    process.once('exit', this.#killAtExit);
    this.#child.once('exit', () => process.off('exit', this.#killAtExit));
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child?.kill(signal);
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  /** It answers nothing from here on; each of its threads stands still only when it has taken notice. */
  async halt(): Promise<void> {
    this.signal('SIGSTOP');
    const tasks = `/proc/${this.#child?.pid}/task`;
    const isStill = (task: string): boolean => /^State:\s+T/m.test(readFileSync(join(tasks, task, 'status'), 'latin1'));
    await until(`${this.name} stands still`, 20, async () => readdirSync(tasks).every(isStill));
  }

  /** Ends it, gently first; returns when it is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), 3000);
    await gone;
    clearTimeout(kill);
  }
}

/** The suite fails, it does not skip: a test against a server that is not there proves nothing. */
export function demandPrograms(programs: readonly string[], packages: string): void {
  const directories = (process.env['PATH'] ?? '').split(':');
  const missing = programs.filter((program) => !directories.some((directory) => existsSync(join(directory, program))));
  if (missing.length === 0) return;
  throw new Error(`these tests need ${missing.join(', ')}: apt-get install --no-install-recommends ${packages}`);
}

/**
 * `count` free loopback ports in a row, 100 at most, below the range the kernel gives out by itself. Nobody else is given them while this
 * process lives: a server may take its time before it listens.
 */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 12_000 + Math.floor(Math.random() * 200) * 100;
    const hold = await holdPorts(first);
    if (hold === undefined) continue;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
    hold.close();
  }
  throw new Error(`no ${count} free ports in a row were found`);
}

/** The servers listen by TCP: who has the UDP port of the same number has the ports from there on. Undefined: somebody has. */
function holdPorts(first: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(undefined));
    socket.bind(first, '127.0.0.1', () => resolve(socket.unref()));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function until(what: string, seconds: number, done: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(30);
  }
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() !== undefined));
    socket.once('error', () => resolve(false));
  });
}

export async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => (await response.arrayBuffer()) !== undefined && response.status < 500,
    () => false,
  );
}

/** Output of a program that must succeed. */
export async function output(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return (await run(program, [...args], { env })).stdout;
}

export async function succeeds(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return run(program, [...args], { env }).then(
    () => true,
    () => false,
  );
}
