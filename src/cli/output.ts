import { writeSync } from 'node:fs';
import { watchStdout } from './stdout-failure.ts';

/** Where a command writes: results to stdout, what is said about them to stderr. A reader that went away is no error. */
export class Output {
  readonly isQuiet: boolean;
  readonly isColoured: boolean;
  /** Nobody reads stdout any more. */
  isClosed = false;

  constructor({ quiet, color }: { readonly quiet?: boolean | undefined; readonly color?: boolean | undefined }) {
    this.isQuiet = quiet === true;
    this.isColoured =
      color !== false && process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
    watchStdout();
    process.stdout.on('error', () => (this.isClosed = true));
    process.stderr.on('error', () => undefined);
  }

  /** A line of the result. */
  print(line = ''): void {
    if (!this.isClosed) process.stdout.write(`${line}\n`);
  }

  printJson(value: unknown): void {
    this.print(JSON.stringify(value, jsonValue, 2));
  }

  /** One document a line: for what has no end. */
  printJsonLine(value: unknown): void {
    this.print(JSON.stringify(value, jsonValue));
  }

  /** Bytes as they are; resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.isClosed) return;
    await new Promise<void>((resolve) => void process.stdout.write(bytes, () => resolve()));
  }

  /** For people, beside the result; not with -q. */
  note(line: string): void {
    if (!this.isQuiet) process.stderr.write(`${line}\n`);
  }

  /** Told whatever is asked for. */
  complain(message: string): void {
    process.stderr.write(`pando: ${message}\n`);
  }
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Lines for a file or a pipe, in blocks; memory stays flat, however many there are. */
export class LineWriter implements Disposable {
  readonly #descriptor: number;
  readonly #close: () => void;
  #block: string[] = [];
  #length = 0;

  constructor(descriptor: number, close: () => void) {
    this.#descriptor = descriptor;
    this.#close = close;
  }

  write(line: string): void {
    this.#block.push(line);
    this.#length += line.length + 1;
    if (this.#length >= BLOCK_LENGTH) this.flush();
  }

  flush(): void {
    if (this.#block.length === 0) return;
    let rest = Buffer.from(`${this.#block.join('\n')}\n`);
    this.#block = [];
    this.#length = 0;
    while (rest.length > 0) rest = rest.subarray(writeSome(this.#descriptor, rest));
  }

  [Symbol.dispose](): void {
    this.flush();
    this.#close();
  }
}

const BLOCK_LENGTH = 64 * 1024;

/** A reader that went away takes everything; one that is slow is waited for. */
function writeSome(descriptor: number, bytes: Uint8Array): number {
  for (;;) {
    try {
      return writeSync(descriptor, bytes);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') return bytes.length;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
