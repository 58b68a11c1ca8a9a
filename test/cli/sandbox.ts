import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot } from '../faults/child.ts';
import { runInHost } from './command-hosts.ts';

const NOBODY = 65534;
const pando = resolve(import.meta.dirname, '../../bin/pando.mjs');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the command: `setpriv …`. */
  readonly before?: readonly string[];
  /** Instead of `pando`. */
  readonly launcher?: string;
  /** A file descriptor that takes what would be collected, and is closed. */
  readonly stdout?: number;
  /** Sent some time after this file has appeared. */
  readonly interruptAfter?: { readonly file: string; readonly delayMs: number; readonly times?: number };
}

/** A directory of its own with the real `pando` in it: nobody's configuration, catalog or home gets in. */
export class Sandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-cli-'));
  /** Where the catalog is: beside the root, so that the root can be synced. */
  readonly state = mkdtempSync(join(tmpdir(), 'pando-cli-state-'));

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(this.path(name)), { recursive: true });
      writeFileSync(this.path(name), text);
      // Well in the past, so that no time is within a tick of now.
      utimesSync(this.path(name), 1_700_000_000, 1_700_000_000);
    }
  }

  read(...parts: string[]): string {
    return readFileSync(this.path(...parts), 'utf8');
  }

  /** Names of all files below, without Pando's own, in order. */
  list(...parts: string[]): string[] {
    const root = this.path(...parts);
    if (statSync(root, { throwIfNoEntry: false }) === undefined) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((name) => !name.startsWith('.pando/'))
      .sort();
  }

  remove(...parts: string[]): void {
    rmSync(this.path(...parts));
  }

  /** Flips a byte and puts the time back, as a disk that fails does. */
  damage(...parts: string[]): void {
    const path = this.path(...parts);
    const { atime, mtime } = statSync(path);
    const bytes = readFileSync(path);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    utimesSync(path, atime, mtime);
  }

  /** A configuration with a profile `data` that has the replicas `near` and `far`. */
  configure(more = ''): void {
    const profile = (name: string) => `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n`;
    const replicas =
      '    replicas: [{replica_profile: near, read_priority: 1}, {replica_profile: far, read_priority: 2}]\n';
    this.write({ 'pando.yaml': `profiles:\n${profile('data')}${replicas}${profile('near')}${profile('far')}${more}` });
  }

  /** Everything as nobody's: for what is run as nobody, whom permissions stop. */
  give(): void {
    const everything = (at: string) => [
      at,
      ...readdirSync(at, { recursive: true, encoding: 'utf8' }).map((name) => join(at, name)),
    ];
    if (isRoot) for (const path of [this.root, this.state].flatMap(everything)) lchownSync(path, NOBODY, NOBODY);
  }

  async json<T = Record<string, never>>(...args: string[]): Promise<T> {
    const { stdout, stderr } = await this.run([...args, '--json']);
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new Error(`no JSON: ${stdout}\n${stderr}`);
    }
  }

  /** In a process of its own in the soak, or where something about the process is said; otherwise in one that ran others before. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const env = { PATH: process.env['PATH'], HOME: this.root, PANDO_DATA: this.state, ...options.env };
    const { input, env: _, ...ofProcess } = options;
    const isShared = input === undefined && Object.keys(ofProcess).length === 0 && process.env['PANDO_SOAK'] !== '1';
    return isShared ? runInHost({ args, env, cwd: this.root }) : this.#spawn(args, { ...options, env });
  }

  #spawn(
    args: readonly string[],
    {
      input,
      env,
      before = [],
      launcher = pando,
      stdout,
      interruptAfter,
    }: Omit<RunOptions, 'env'> & { readonly env: NodeJS.ProcessEnv },
  ): Promise<Ran> {
    return new Promise((done, fail) => {
      const words = [...before, process.execPath, launcher, ...args];
      const child = spawn(words[0] as string, words.slice(1), {
        cwd: this.root,
        env,
        stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
      });
      if (stdout !== undefined) closeSync(stdout);
      const said = { stdout: '', stderr: '' };
      child.stdout?.on('data', (text) => (said.stdout += String(text)));
      child.stderr?.on('data', (text) => (said.stderr += String(text)));
      if (interruptAfter !== undefined) void this.#interrupt(child, interruptAfter);
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
      child.once('error', fail);
      child.once('close', (code, signal) => done({ ...said, code: signal === null ? (code ?? -1) : -1 }));
    });
  }

  async #interrupt(child: ChildProcess, { file, delayMs, times = 1 }: NonNullable<RunOptions['interruptAfter']>) {
    while (child.exitCode === null && !existsSync(this.path(file))) await sleep(20);
    for (let sent = 0; sent < times; sent++) {
      await sleep(delayMs);
      child.kill('SIGINT');
    }
  }

  [Symbol.dispose](): void {
    for (const made of [this.root, this.state]) rmSync(made, { recursive: true, force: true });
  }
}

/** A transcript without what differs from run to run: times, ids, places. */
export function settled(text: string, { root }: Sandbox): string {
  return text
    .replaceAll(root, '/sandbox')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/in \d+\.\d s/g, 'in <seconds>')
    .replace(/(?<=\w)-[0-9a-f]{8}\b/g, '-<digest>');
}
