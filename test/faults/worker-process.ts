import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SyncWorld } from '../sync/sync-world.ts';
import { holdsFilesIn, isAlive, signal } from './signals.ts';

const AT_WORK_MS = 60_000;

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');

type WorkerWorld = Pick<SyncWorld, 'root' | 'source' | 'targets'>;

export interface WorkerOptions {
  /** Directories its profiles name; by default those of the world. */
  readonly places?: readonly string[];
  /** Of each of its profiles, bytes a second: so that there is a moment at which it has something in hand. */
  readonly bandwidth?: string;
  /** More profiles, as YAML. */
  readonly more?: string;
  readonly args?: readonly string[];
}

/** A real `pando worker`, with a configuration of its own. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;
  said = '';

  constructor(world: WorkerWorld, catalog: string, options: WorkerOptions = {}) {
    const places = options.places ?? [world.source, ...world.targets];
    const file = join(world.root, `worker-${fs.readdirSync(world.root).length}.yaml`);
    const pace = options.bandwidth === undefined ? '' : `    bandwidth: ${options.bandwidth}\n`;
    const profiles = places.map(
      (place, i) => `  p${i}:\n    storage_provider: {type: file, options: {base_path: ${place}}}\n${pace}`,
    );
    fs.writeFileSync(file, `catalog: ${catalog}\nprofiles:\n${profiles.join('')}${options.more ?? ''}`);
    const args = [launcher, 'worker', '-v', '--config', file, ...(options.args ?? [])];
    this.#child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'], HOME: world.root },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.#ended = new Promise((done) => {
      this.#child.once('close', (code, name) => done(name ?? code));
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** It looks for work. */
  async ready(): Promise<this> {
    while (isAlive(this.pid) && !this.said.includes('carrying out requests')) await sleep(20);
    return this;
  }

  /** It has something staged right now. */
  async atWork(target: string): Promise<void> {
    for (
      const until = Date.now() + AT_WORK_MS;
      !holdsFilesIn(this.pid, join(target, '.pando/staging/'));
      await sleep(1)
    ) {
      if (!isAlive(this.pid)) return;
      if (Date.now() > until) throw new Error(`worker ${this.pid} has nothing staged at ${target}: ${this.said}`);
    }
  }

  /** Exit code, or the signal it died of. */
  end(name: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    signal(this.pid, name);
    return this.#ended;
  }

  get ended(): Promise<number | NodeJS.Signals | null> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    signal(this.pid, 'SIGCONT');
    await this.end('SIGKILL');
  }
}
