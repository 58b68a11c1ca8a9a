import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Ran } from './sandbox.ts';

const program = join(import.meta.dirname, 'command-host.mjs');

interface Command {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Hosts that have nothing to do. They end with the process of the test file. */
const idle: CommandHost[] = [];

/** Runs a command in a process that ran others before, as `main` of the launcher does. Commands at one moment have a process each. */
export async function runInHost(command: Command): Promise<Ran> {
  const host = idle.pop() ?? new CommandHost();
  const ran = await host.run(command);
  if (host.isAlive) idle.push(host);
  return ran;
}

class CommandHost {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;

  constructor() {
    this.#child = fork(program, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#ready = new Promise((resolve) => {
      this.#child.once('message', () => resolve());
      this.#child.once('exit', () => resolve());
    });
    // Nobody waits for a host that waits.
    this.#hold('unref');
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async run(command: Command): Promise<Ran> {
    this.#hold('ref');
    await this.#ready;
    const id = randomUUID();
    const { stdout, stderr } = this.#child;
    const said = Promise.all([readUntil(stdout, id), readUntil(stderr, id)]);
    if (this.isAlive) this.#child.send({ ...command, id });
    const [out, error] = await said;
    this.#hold('unref');
    return { stdout: out.text, stderr: error.text, code: out.code ?? error.code ?? this.#child.exitCode ?? -1 };
  }

  #hold(how: 'ref' | 'unref'): void {
    const { stdout, stderr, channel } = this.#child;
    for (const one of [this.#child, stdout, stderr, channel])
      (one as { ref?(): void; unref?(): void } | null)?.[how]?.();
  }
}

interface Said {
  readonly text: string;
  /** Undefined: the process has ended. */
  readonly code: number | undefined;
}

/** What comes before the line with which the host says that the command is over. */
function readUntil(stream: Readable | null, id: string): Promise<Said> {
  return new Promise((resolve) => {
    const over = new RegExp(`\\x00${id}:(\\d+)\\x00$`);
    const chunks: Buffer[] = [];
    const end = (code: number | undefined, text: string): void => {
      stream?.off('data', hear).off('close', close);
      resolve({ text, code });
    };
    const close = (): void => end(undefined, Buffer.concat(chunks).toString());
    const hear = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (chunk.at(-1) !== 0) return;
      const text = Buffer.concat(chunks).toString();
      const found = over.exec(text);
      if (found !== null) end(Number(found[1]), text.slice(0, found.index));
    };
    if (stream === null || stream.closed) close();
    else stream.on('data', hear).once('close', close);
  });
}
