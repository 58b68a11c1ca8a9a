import { createHash, randomBytes } from 'node:crypto';
import type { Entry } from '../../src/domain/journal/entry.ts';
import type { Context } from '../../src/domain/object/dot.ts';
import { nextOperationId } from '../../src/domain/object/operation-id.ts';
import { encodeBatch, type FrameLine } from '../../src/peers/batch-frame.ts';
import type { ServerProcess } from './server-process.ts';

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

export interface Written {
  readonly scope: string;
  readonly name: string;
  /** Undefined: it is deleted. */
  readonly text?: string;
  readonly counter: number;
  /** What its writer had seen. */
  readonly seen?: number;
  readonly contentType?: string;
}

/** A site of another make: it speaks the protocol as docs/peer-protocol.md has it. */
export class ForeignSite {
  readonly id = randomBytes(8).toString('hex');
  readonly actor = randomBytes(8).toString('hex');
  /** What it shows. */
  token: string | undefined;
  /** Of the server, as it said when it was greeted. */
  ticket = '';
  readonly #server: () => ServerProcess;
  #last: string | undefined;

  constructor(server: ServerProcess | (() => ServerProcess), token?: string) {
    this.#server = typeof server === 'function' ? server : () => server;
    this.token = token;
  }

  /** `body`: JSON, or the bytes of a batch. `token`: null shows none. */
  async ask(path: string, body: unknown, token: string | null | undefined = this.token): Promise<Answer> {
    const response = await this.#server().fetch(`/_peer/v1/${path}`, {
      method: 'POST',
      body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
      headers: token === undefined || token === null ? {} : { authorization: `Bearer ${token}` },
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  async hello(token: string | null | undefined = this.token): Promise<Answer> {
    const answer = await this.ask('hello', { protocol: 1, site: this.id }, token);
    if (answer.status === 200) this.ticket = String(answer.json['ticket']);
    return answer;
  }

  /** Outcomes, in order. */
  async send(written: readonly Written[]): Promise<readonly string[]> {
    const { status, json } = await this.ask('batch', this.batchOf(written));
    if (status !== 200) throw new Error(`a batch was answered ${status}: ${JSON.stringify(json)}`);
    return (json['outcomes'] as { readonly kind: string }[]).map(({ kind }) => kind);
  }

  batchOf(written: readonly Written[]): Uint8Array {
    return Buffer.concat(encodeBatch({ from: this.id, entries: written.map((one) => this.lineOf(one)) }));
  }

  /** An entry as it would send it. */
  lineOf({ scope, name, text, counter, seen, contentType }: Written): FrameLine {
    this.#last = nextOperationId(this.#last, Date.now(), randomBytes(10));
    const bytes = text === undefined ? undefined : Buffer.from(text);
    const sha256 = createHash('sha256')
      .update(bytes ?? '')
      .digest('hex');
    const type = contentType === undefined ? {} : { contentType };
    const context: Context = seen === undefined ? {} : { [this.actor]: seen };
    const entry: Entry = {
      kind: 'version',
      dot: { actor: this.actor, counter },
      time: { ms: Date.now(), n: counter },
      origin: this.id,
      operation: this.#last,
      scope,
      name,
      addressed: [],
      context,
      content: bytes === undefined ? { kind: 'tombstone' } : { kind: 'object', size: bytes.length, sha256, ...type },
    };
    return { entry, bytes };
  }
}
