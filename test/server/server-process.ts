import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { signal } from '../faults/signals.ts';

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
const READY_MS_MAX = 60_000;

export interface ServerOptions {
  readonly args?: readonly string[];
  /** A configuration file; without it there is none. */
  readonly config?: string;
  /** Made below the root before it starts. */
  readonly directories?: readonly string[];
  /** Directory of an earlier server, which is begun again. */
  readonly root?: string;
  /** URL of a catalog that several share; without it, it is below the root. */
  readonly catalog?: string;
  /** What starts it, before its own words: as the network it is in. */
  readonly under?: readonly string[];
}

/** A real `pando server` at a port of its own, with real HTTP. */
export class ServerProcess implements AsyncDisposable {
  readonly root: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;
  readonly #ownsRoot: boolean;
  stdout = '';
  stderr = '';

  private constructor({ args = [], config, root, directories = [], catalog, under = [] }: ServerOptions) {
    this.root = root ?? mkdtempSync(join(tmpdir(), 'pando-server-'));
    this.#ownsRoot = root === undefined;
    for (const name of directories) mkdirSync(join(this.root, name), { recursive: true });
    if (config !== undefined) writeFileSync(join(this.root, 'pando.yaml'), config);
    const [program, ...words] = [
      ...under,
      process.execPath,
      launcher,
      'server',
      '--json',
      '--port',
      '0',
      ...(catalog === undefined ? ['--data', join(this.root, 'data')] : []),
      ...args,
    ];
    this.#child = spawn(program as string, words, {
      cwd: this.root,
      env: { PATH: process.env['PATH'], HOME: this.root, ...(catalog === undefined ? {} : { PANDO_CATALOG: catalog }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#ended = new Promise((done) => this.#child.once('close', (code, name) => done(name ?? code)));
  }

  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    const untilMs = Date.now() + READY_MS_MAX;
    while (!server.stdout.includes('\n')) {
      if (server.#child.exitCode !== null || Date.now() > untilMs)
        throw new Error(`the server does not listen: ${server.stderr}`);
      await sleep(20);
    }
    return server;
  }

  get url(): string {
    return (JSON.parse(this.stdout) as { readonly listening: string }).listening;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  fetch(path: string, init: RequestInit & { readonly duplex?: 'half' } = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  put(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, { method: 'PUT', body, headers });
  }

  async text(path: string): Promise<string | undefined> {
    const response = await this.fetch(path);
    const text = await response.text();
    return response.status === 200 ? text : undefined;
  }

  /** Exit code, or the signal it died of. */
  end(name: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    signal(this.pid, name);
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end('SIGKILL');
    if (this.#ownsRoot) rmSync(this.root, { recursive: true, force: true });
  }
}

/** One that ends with the test that starts it. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Bytes as they are, and all that comes back until the server closes, or falls silent. */
export function exchangeRaw(
  port: number,
  parts: readonly (string | Buffer)[],
  { pauseMs = 0, silentMs = 3_000, endAfter = false }: { pauseMs?: number; silentMs?: number; endAfter?: boolean } = {},
): Promise<string> {
  return new Promise((done, fail) => {
    const socket = net.connect(port, '127.0.0.1');
    let said = '';
    let silence = setTimeout(() => socket.destroy(), silentMs);
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      clearTimeout(silence);
      silence = setTimeout(() => socket.destroy(), silentMs);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') fail(error);
    });
    socket.on('close', () => {
      clearTimeout(silence);
      done(said);
    });
    void (async () => {
      for (const part of parts) {
        if (socket.destroyed) return;
        socket.write(part);
        if (pauseMs > 0) await sleep(pauseMs);
      }
      if (endAfter) socket.end();
    })();
  });
}
