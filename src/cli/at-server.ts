import { once } from 'node:events';
import { createReadStream, openSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameReader } from '../domain/command-frames.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { type ServerAddress, showsToken } from './server-address.ts';
import type { WordsForServer } from './words-for-server.ts';

export interface CommandThere {
  readonly server: ServerAddress;
  readonly words: WordsForServer;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** What is known of a command that got no answer. */
const UNKNOWN = 'it may have been carried out';

/** Has a server carry a command out; what it writes is written here, and what it ends with is what this ends with. */
export async function runAtServer({ server, words, output, signal }: CommandThere): Promise<ExitCode> {
  if (showsToken(server)) output.note(`the token goes to ${server.base.host} in the clear: https:// would hide it`);
  // What cannot be read is told before anything is asked for.
  const stdin = words.stdin === undefined ? undefined : openStdin(words.stdin);
  const over = new AbortController();
  const asked = ask(server, { args: words.args, stdin, signal: AbortSignal.any([signal, over.signal]) });
  try {
    return await hear({ server, output, signal, asked });
  } finally {
    // What was to go along and was not asked for keeps nobody waiting.
    over.abort();
  }
}

interface Asked {
  /** Otherwise nothing of it can have been carried out. */
  readonly hasReached: () => boolean;
  readonly answered: Promise<IncomingMessage>;
}

interface Hearing extends Omit<CommandThere, 'words'> {
  readonly asked: Asked;
}

async function hear({ server: { base }, output, signal, asked }: Hearing): Promise<ExitCode> {
  const tell = (why: string): ExitCode => {
    output.complain(`${base.host}: ${signal.aborted ? 'it is told to stop' : why}`);
    return signal.aborted ? EXIT.interrupted : EXIT.unavailable;
  };
  let answer: IncomingMessage;
  try {
    answer = await asked.answered;
  } catch (error) {
    return tell(`it does not answer: ${reasonOf(error)}${asked.hasReached() ? `: ${UNKNOWN}` : ''}`);
  }
  if (answer.statusCode !== 200) return refused(base, answer, output);
  const reader = new FrameReader();
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      for (const { kind, bytes } of reader.read(chunk)) {
        if (kind === 'end') return (bytes[0] ?? EXIT.failed) as ExitCode;
        if (kind === 'stdout') await output.write(bytes);
        else process.stderr.write(bytes);
      }
    }
  } catch (error) {
    return tell(`the answer broke off (${reasonOf(error)}): ${UNKNOWN}`);
  }
  return tell(`the answer ended too early: ${UNKNOWN}`);
}

interface Question {
  readonly args: readonly string[];
  readonly stdin: Readable | undefined;
  readonly signal: AbortSignal;
}

function ask({ base, token }: ServerAddress, { args, stdin, signal }: Question): Asked {
  const line = Buffer.from(`${JSON.stringify({ args })}\n`);
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
  const sent = send(new URL('admin/commands', base), {
    method: 'POST',
    signal,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(stdin === undefined ? { 'content-length': line.length } : { expect: '100-continue' }),
    },
  });
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let hasReached = false;
  const connected = base.protocol === 'https:' ? 'secureConnect' : 'connect';
  sent.once('socket', (socket) => socket.once(connected, () => (hasReached = true)));
  sent.once('response', resolve);
  sent.on('error', reject);
  if (stdin === undefined) sent.end(line);
  else {
    void sendAll(sent, { line, stdin, signal }).catch((error: unknown) => {
      reject(error);
      sent.destroy();
    });
  }
  return { hasReached: () => hasReached, answered };
}

/** A refusal comes before anything is sent; while much is sent, a connection that is closed takes it along. */
async function sendAll(
  sent: ClientRequest,
  { line, stdin, signal }: Omit<Question, 'args'> & { readonly line: Uint8Array; readonly stdin: Readable },
): Promise<void> {
  await Promise.race([once(sent, 'continue', { signal }), sleep(CONTINUE_MS_MAX, undefined, { signal })]);
  sent.write(line);
  // A command that ends before it has read all is answered all the same.
  await pipeline(stdin, keepGoing(sent), { signal });
}

/** Between us and the server may be somebody who does not pass on that it may be sent. */
const CONTINUE_MS_MAX = 2_000;

function openStdin(stdin: NonNullable<WordsForServer['stdin']>): Readable {
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

async function refused(base: URL, answer: IncomingMessage, output: Output): Promise<ExitCode> {
  let text = '';
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.length > REFUSAL_BYTES_MAX) break;
    }
  } catch {
    // What came will have to do.
  }
  const { statusCode: status = 0 } = answer;
  const remedy = status === 401 ? '\n  → set PANDO_TOKEN: pando token create NAME --rights admin makes one there' : '';
  output.complain(`${base.host} answered ${status}: ${messageOf(text)}${remedy}`);
  if (status === 401 || status === 403) return EXIT.refused;
  return status === 400 || status === 404 ? EXIT.usage : EXIT.unavailable;
}

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

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && error.message === '' ? String(error.code) : error.message;
}
