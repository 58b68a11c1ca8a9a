import net from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** One connection, on which anything may be sent: it reads answers as they are framed. */
export class RawConnection {
  readonly #socket: net.Socket;
  #came = Buffer.alloc(0);
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => {
      this.#came = Buffer.concat([this.#came, chunk]);
      this.#wake();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Nothing more comes on it, nor goes. */
  get isOver(): boolean {
    return this.#isOver || this.#socket.destroyed || this.#socket.writableEnded;
  }

  /** The answer to one request; undefined: the connection ended without a whole one. `isLast`: nothing more is sent on it. */
  async ask(
    bytes: Buffer,
    { isHead, isLast }: { readonly isHead: boolean; readonly isLast: boolean },
  ): Promise<RawAnswer | undefined> {
    if (isLast) this.#socket.end(bytes);
    else this.#socket.write(bytes);
    for (;;) {
      const answer = this.#take(isHead);
      if (answer !== undefined && /^connection: close/im.test(answer.head)) this.close();
      if (answer !== undefined && answer.status >= 200) return answer;
      if (answer !== undefined) continue;
      if (this.#isOver) return undefined;
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(isHead: boolean): RawAnswer | undefined {
    const end = this.#came.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = this.#came.subarray(0, end).toString('latin1');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    const rest = this.#came.subarray(end + 4);
    const isBare = isHead || status < 200 || status === 204 || status === 304;
    const body = isBare ? { text: '', used: 0 } : this.#bodyOf(head, rest);
    if (body === undefined) return undefined;
    this.#came = rest.subarray(body.used);
    return { status, head, body: body.text };
  }

  #bodyOf(head: string, rest: Buffer): { readonly text: string; readonly used: number } | undefined {
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (length !== undefined) {
      const used = Number(length);
      return rest.length < used ? undefined : { text: rest.subarray(0, used).toString('latin1'), used };
    }
    if (/^transfer-encoding: chunked/im.test(head)) return chunksOf(rest);
    return this.#isOver ? { text: rest.toString('latin1'), used: rest.length } : undefined;
  }
}

function chunksOf(rest: Buffer): { readonly text: string; readonly used: number } | undefined {
  let text = '';
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(rest.subarray(at, line).toString(), 16);
    const end = line + 2 + size + 2;
    if (rest.length < end) return undefined;
    if (size === 0) return { text, used: end };
    text += rest.subarray(line + 2, end - 2).toString('latin1');
    at = end;
  }
}
