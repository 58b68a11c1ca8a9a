import { createReadStream } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { FrameReader } from '../domain/command-frames.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import type { WordsForServer } from './words-for-server.ts';

export interface CommandThere {
  /** Where the server is. */
  readonly url: string;
  readonly token: string | undefined;
  readonly words: WordsForServer;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** What is known of a command that got no answer. */
const UNKNOWN = 'it may have been carried out';

/** Has a server carry a command out; what it writes is written here, and what it ends with is what this ends with. */
export async function runAtServer({ url, token, words, output, signal }: CommandThere): Promise<ExitCode> {
  const base = parseServer(url);
  const tell = (why: string): ExitCode => {
    output.complain(`${base.host}: ${why}`);
    return signal.aborted ? EXIT.interrupted : EXIT.unavailable;
  };
  let answer: IncomingMessage;
  try {
    answer = await ask(base, { token, signal, words });
  } catch (error) {
    return tell(signal.aborted ? 'it is told to stop' : `it does not answer: ${reasonOf(error)}`);
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
    return tell(signal.aborted ? 'it is told to stop' : `the answer broke off (${reasonOf(error)}): ${UNKNOWN}`);
  }
  return tell(`the answer ended too early: ${UNKNOWN}`);
}

interface Question {
  readonly token: string | undefined;
  readonly words: WordsForServer;
  readonly signal: AbortSignal;
}

function ask(base: URL, { token, words: { args, stdin }, signal }: Question): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const line = Buffer.from(`${JSON.stringify({ args })}\n`);
    const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = send(new URL('admin/commands', base), {
      method: 'POST',
      signal,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(stdin === undefined ? { 'content-length': line.length } : {}),
      },
    });
    sent.once('response', resolve);
    sent.on('error', reject);
    if (stdin === undefined) {
      sent.end(line);
      return;
    }
    sent.write(line);
    // A command that ends before it has read all is answered all the same.
    void pipeline(openStdin(stdin), keepGoing(sent), { signal }).catch((error: unknown) => {
      reject(error);
      sent.destroy();
    });
  });
}

function openStdin(stdin: NonNullable<WordsForServer['stdin']>): Readable {
  if ('text' in stdin) return Readable.from([Buffer.from(stdin.text)]);
  return stdin.file === '-' ? process.stdin : createReadStream(stdin.file);
}

/** Once nobody takes more, the rest is not sent. */
function keepGoing(sent: NodeJS.WritableStream & { readonly destroyed: boolean }): Writable {
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

async function refused(base: URL, answer: IncomingMessage, output: Output): Promise<ExitCode> {
  let text = '';
  for await (const chunk of answer as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
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

function parseServer(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.search !== '' || base.hash !== '')
    throw new ConfigurationError([
      problemOutsideFiles('--server', `${JSON.stringify(url)} is not where a server is`, 'write http://127.0.0.1:8080'),
    ]);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && error.message === '' ? String(error.code) : error.message;
}
