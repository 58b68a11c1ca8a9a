import { watchStdout, writeStdout } from './stdout.ts';
import { writeWhole } from './write-whole.ts';

interface OutputOptions {
  readonly quiet?: boolean | undefined;
  readonly color?: boolean | undefined;
  readonly isBeside?: boolean;
}

/** Where a command writes: results to stdout, what is said about them to stderr. A reader that went away is no error. */
export class Output {
  readonly isQuiet: boolean;
  readonly isColoured: boolean;
  /** Results go to stderr: stdout is for something else that was asked for. */
  readonly #isBeside: boolean;
  /** Nobody reads stdout any more. */
  isClosed = false;

  constructor({ quiet, color, isBeside = false }: OutputOptions) {
    this.#isBeside = isBeside;
    this.isQuiet = quiet === true;
    this.isColoured =
      color !== false && process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
    watchStdout();
    process.stdout.on('error', () => (this.isClosed = true));
    process.stderr.on('error', () => undefined);
  }

  /** The same, with results on stderr. */
  beside(): Output {
    return new Output({ quiet: this.isQuiet, color: false, isBeside: true });
  }

  /** A line of the result. */
  print(line = ''): void {
    if (this.#isBeside) process.stderr.write(`${line}\n`);
    else if (!this.isClosed) writeStdout(`${line}\n`);
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
    await new Promise<void>((resolve) => writeStdout(bytes, resolve));
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
    const bytes = Buffer.from(`${this.#block.join('\n')}\n`);
    this.#block = [];
    this.#length = 0;
    writeWhole(this.#descriptor, bytes);
  }

  [Symbol.dispose](): void {
    this.flush();
    this.#close();
  }
}

const BLOCK_LENGTH = 64 * 1024;
