import { once } from 'node:events';
import { createReadStream, openSync } from 'node:fs';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerAddress } from './server-address.ts';
import type { WordsForServer } from './words-for-server.ts';

/** A request that is under way. */
export interface Asked {
  /** Otherwise nothing of it can have been carried out. */
  readonly hasReached: () => boolean;
  readonly answered: Promise<IncomingMessage>;
}

export interface Question {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the server's address, percent-encoded. */
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** What the body begins with. */
  readonly first?: Uint8Array;
  /** What comes after it. */
  readonly stdin?: Readable | undefined;
  readonly signal: AbortSignal;
}

/** Fails only by what it returns. */
export function askServer(
  { base, token }: ServerAddress,
  { method, path, headers = {}, first = new Uint8Array(), stdin, signal }: Question,
): Asked {
  // Not imported: that takes ten times as long.
  const { request: send } = process.getBuiltinModule(base.protocol === 'https:' ? 'node:https' : 'node:http');
  const sent = send(new URL(path, base), {
    method,
    signal,
    headers: {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(stdin === undefined ? { 'content-length': first.length } : { expect: '100-continue' }),
    },
  });
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let hasReached = false;
  const connected = base.protocol === 'https:' ? 'secureConnect' : 'connect';
  sent.once('socket', (socket) => {
    // One of an earlier request is connected already.
    if (sent.reusedSocket) hasReached = true;
    else socket.once(connected, () => (hasReached = true));
  });
  sent.once('response', resolve);
  sent.on('error', reject);
  if (stdin === undefined) sent.end(first);
  else {
    void sendAll(sent, { first, stdin, signal }).catch((error: unknown) => {
      reject(error);
      sent.destroy();
    });
  }
  return { hasReached: () => hasReached, answered };
}

/** A refusal comes before anything is sent; while much is sent, a connection that is closed takes it along. */
async function sendAll(
  sent: ClientRequest,
  { first, stdin, signal }: { readonly first: Uint8Array; readonly stdin: Readable; readonly signal: AbortSignal },
): Promise<void> {
  await Promise.race([once(sent, 'continue', { signal }), sleep(CONTINUE_MS_MAX, undefined, { signal })]);
  if (first.length > 0) sent.write(first);
  // A command that ends before it has read all is answered all the same.
  await pipeline(stdin, keepGoing(sent), { signal });
}

/** Between us and the server may be somebody who does not pass on that it may be sent. */
const CONTINUE_MS_MAX = 2_000;

export function openStdin(stdin: NonNullable<WordsForServer['stdin']>): Readable {
  if ('text' in stdin) return Readable.from([Buffer.from(stdin.text)]);
  return stdin.file === '-' ? process.stdin : createReadStream(stdin.file, { fd: openSync(stdin.file, 'r') });
}

/** Once nobody takes more, the rest is not sent. */
function keepGoing(sent: ClientRequest): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (sent.destroyed) done();
      else sent.write(chunk, () => done());
    },
    final(done) {
      if (!sent.destroyed) sent.end();
      done();
    },
  });
}

/** Of an answer that is no command's, more is not looked at. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/** Why it answered something else than was hoped for, and what to do about it. */
export async function readRefusal(answer: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.length > REFUSAL_BYTES_MAX) break;
    }
  } catch {
    // What came will have to do.
  }
  return `${messageOf(text)}${answer.statusCode === 401 ? TOKEN_REMEDY : ''}`;
}

const TOKEN_REMEDY =
  '\n  → set PANDO_TOKEN: pando token create NAME --rights admin,read,write makes one, carried out on the machine of the server';

/** What its answer says, where it is one of ours: short, and printable. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === 'string') return message.slice(0, 300).replace(/[^\x20-\x7e]/g, '?');
  } catch {
    // It is somebody else's.
  }
  return 'it is no server of Pando, or an older one';
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What OpenSSL says names files of its own.
  if ('code' in error && error.code === 'EPROTO')
    return /wrong version number|packet length too long/.test(error.message)
      ? 'it does not speak TLS there: try http://'
      : 'its TLS is not understood';
  return 'code' in error && error.message === '' ? String(error.code) : error.message;
}
