import type { IncomingMessage } from 'node:http';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { findKeyProblem } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { askServer, type Question, readRefusal, reasonOf } from './ask-server.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { ServerAddress } from './server-address.ts';

/** The server did not do it. */
export class Refused extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The objects of a server, over HTTP. All verbs fail with `Refused`. */
export class ServerObjects {
  readonly #server: ServerAddress;
  readonly #signal: AbortSignal;

  constructor(server: ServerAddress, signal: AbortSignal) {
    this.#server = server;
    this.#signal = signal;
  }

  /** Undefined: it does not say, and will say why of the command. */
  async kindOf(scope: string): Promise<string | undefined> {
    const path = `admin/scopes/${scope}`;
    const answer = await askServer(this.#server, { method: 'GET', path, signal: this.#signal }).answered.catch(
      () => undefined,
    );
    if (answer === undefined) return undefined;
    const told = await jsonOf(answer);
    return answer.statusCode === 200 ? (told as { readonly kind?: string } | undefined)?.kind : undefined;
  }

  async list(scope: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    const told = await jsonOf(
      await this.#ask(`${scope}:`, { method: 'GET', path: `${scope}?${new URLSearchParams(query).toString()}` }),
    );
    if (told === undefined) throw new Refused(`${scope}: the listing broke off`, EXIT.unavailable);
    return told;
  }

  ask({ scope, name }: ObjectName, question: Omit<Question, 'path' | 'signal'>): Promise<IncomingMessage> {
    const written = formatObjectName({ scope, name });
    const problem = findKeyProblem(name);
    if (problem !== undefined)
      throw new ConfigurationError([
        problemOutsideFiles(
          'object',
          `${written} names no object: ${problem}`,
          'write the whole name, such as scope:dir/file',
        ),
      ]);
    return this.#ask(written, { ...question, path: `${scope}/${name.split('/').map(encodeURIComponent).join('/')}` });
  }

  async #ask(written: string, question: Omit<Question, 'signal'>): Promise<IncomingMessage> {
    const { host } = this.#server.base;
    const asked = askServer(this.#server, { ...question, signal: this.#signal });
    let answer: IncomingMessage;
    try {
      answer = await asked.answered;
    } catch (error) {
      const isOpen = asked.hasReached() && question.method !== 'GET' && question.method !== 'HEAD';
      const why = `${host}: it does not answer: ${reasonOf(error)}`;
      throw new Refused(isOpen ? `${why}: it may have been carried out` : why, EXIT.unavailable);
    }
    const { statusCode: status = 0 } = answer;
    if (status >= 200 && status < 300) return answer;
    if (status === 404) {
      answer.resume();
      throw new Refused(`${host}: there is no object ${written}`, EXIT.notFound);
    }
    const why = question.method === 'HEAD' ? `it answered ${status}` : await readRefusal(answer);
    throw new Refused(`${host}: ${written}: ${why}`, EXIT_BY_STATUS[status] ?? EXIT.unavailable);
  }
}

const EXIT_BY_STATUS: Readonly<Record<number, ExitCode>> = {
  400: EXIT.usage,
  401: EXIT.refused,
  403: EXIT.refused,
  409: EXIT.refused,
  412: EXIT.refused,
  416: EXIT.usage,
  501: EXIT.failed,
  502: EXIT.failed,
};

/** A page of names is 6 MB at most: 1,000 of 1 KiB, all of it escaped. */
const JSON_BYTES_MAX = 8 * 1024 * 1024;

/** Undefined: it is none, broke off, or has no end. */
async function jsonOf(answer: IncomingMessage): Promise<unknown> {
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > JSON_BYTES_MAX) return undefined;
    }
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
