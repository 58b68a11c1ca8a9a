import type { IncomingMessage } from 'node:http';
import { FrameReader } from '../domain/command-frames.ts';
import { type Asked, askServer, openStdin, readRefusal, reasonOf } from './ask-server.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import type { ServerAddress } from './server-address.ts';
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
  // What cannot be read is told before anything is asked for.
  const stdin = words.stdin === undefined ? undefined : openStdin(words.stdin);
  const over = new AbortController();
  const asked = askServer(server, {
    method: 'POST',
    path: 'admin/commands',
    first: Buffer.from(`${JSON.stringify({ args: words.args })}\n`),
    stdin,
    signal: AbortSignal.any([signal, over.signal]),
  });
  try {
    return await hear({ server, output, signal, asked });
  } finally {
    // What was to go along and was not asked for keeps nobody waiting.
    over.abort();
  }
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

async function refused(base: URL, answer: IncomingMessage, output: Output): Promise<ExitCode> {
  const { statusCode: status } = answer;
  const why = await readRefusal(answer);
  const isElsewhere = base.pathname !== '/' && (status === 404 || status === 405);
  output.complain(
    isElsewhere
      ? `${base.host}: there is no server of Pando at ${base.pathname}\n  → try ${base.origin}`
      : `${base.host} answered ${status}: ${why}`,
  );
  if (status === 401 || status === 403) return EXIT.refused;
  return status === 400 || status === 404 || status === 405 ? EXIT.usage : EXIT.unavailable;
}
