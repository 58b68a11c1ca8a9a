import { connect, type Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A body is these bytes, so many times. */
export interface Load {
  readonly bytes: Buffer;
  readonly times: number;
}

/**
 * One connection that is kept, one request after the other. Written on the socket because clients and both sites share the processor: this
 * one takes a few microseconds a request, and what is measured is the sites.
 */
export class PutConnection implements Disposable {
  readonly #socket: Socket;
  #pending: { readonly resolve: (status: number) => void; readonly reject: (error: Error) => void } | undefined;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static open({ host, port }: Address): Promise<PutConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => {
        socket.off('error', reject);
        resolve(new PutConnection(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Sends a request whose head ends with its blank line; resolves to the status of the answer. */
  async send(head: string, { bytes, times }: Load): Promise<number> {
    const answered = new Promise<number>((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
    if (times * bytes.length <= 64 * 1024) {
      this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), ...Array<Buffer>(times).fill(bytes)]));
      return answered;
    }
    this.#socket.write(head, 'latin1');
    for (let at = 0; at < times && this.#pending !== undefined; at++)
      if (!this.#socket.write(bytes)) await new Promise((resume) => this.#socket.once('drain', resume));
    return answered;
  }

  #take(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#received.slice(0, end);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    const status = Number(head.slice(9, 12));
    if (length === undefined && status !== 204) {
      this.#fail(new Error(`an answer without a length: ${head}`));
      return;
    }
    const whole = end + 4 + Number(length ?? 0);
    if (this.#received.length < whole) return;
    this.#received = this.#received.slice(whole);
    // What precedes the answer proper is none.
    if (status === 100) return;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(status);
  }

  #fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
