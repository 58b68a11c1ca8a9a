import type { Body } from '../ports/storage.ts';
import { HttpError } from './http-error.ts';
import type { Exchange, Reply, Route } from './route.ts';
import { Turns } from './turns.ts';

/** A command line that a client wants to have carried out here. */
export interface ServedCommand {
  readonly args: readonly string[];
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Aborted when nobody waits for it any more: it is told to stop. */
  readonly signal: AbortSignal;
}

/** Carries it out; what it writes, in frames (domain/command-frames.ts). */
export type RunCommand = (command: ServedCommand) => AsyncIterable<Uint8Array>;

/** The first line of the body, at most. */
const LINE_BYTES_MAX = 256 * 1024;
const NEWLINE = 10;
/** At once: each has a process with some 100 MB. Who comes then waits for its turn. */
const COMMANDS_MAX = 16;
const TURN_MS_MAX = 30_000;

/** The command line at a distance (docs/server.md, "Commands"): a line of JSON `{"args": […]}`, and what the command reads from stdin. */
export function commandRoute(run: RunCommand): Route {
  const turns = new Turns(COMMANDS_MAX);
  return {
    method: 'POST',
    path: '/admin/commands',
    summary: 'Carry out a command line of pando; what it writes comes as frames',
    right: 'admin',
    takesBody: true,
    // What a command reads is written by people and programs; whether they are there still, the answer shows.
    isPatient: true,
    answers: [200, 400, 503],
    handle: (exchange) => carryOut(run, turns, exchange),
  };
}

async function carryOut(run: RunCommand, turns: Turns, { openBody, signal: gone }: Exchange): Promise<Reply> {
  const chunks = chunksOf(await openBody());
  const { line, rest } = await readLine(chunks);
  const args = parseArgs(line);
  const endTurn = await takeTurn(turns, gone);
  const left = new AbortController();
  const signal = AbortSignal.any([gone, left.signal]);
  return {
    status: 200,
    headers: { 'content-type': 'application/vnd.pando.frames', 'cache-control': 'no-store' },
    body: run({ args, stdin: continued(rest, chunks), signal }),
    end: () => {
      left.abort();
      endTurn();
    },
  };
}

async function takeTurn(turns: Turns, gone: AbortSignal): Promise<() => void> {
  try {
    return await turns.take(AbortSignal.any([gone, AbortSignal.timeout(TURN_MS_MAX)]));
  } catch {
    const message = `${COMMANDS_MAX} commands are under way: try again later`;
    throw new HttpError(503, 'busy', message, { 'retry-after': '10' });
  }
}

async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

async function readLine(
  chunks: AsyncIterator<Uint8Array>,
): Promise<{ readonly line: Uint8Array; readonly rest: Uint8Array }> {
  let bytes = new Uint8Array();
  for (;;) {
    const at = bytes.indexOf(NEWLINE);
    if (at >= 0) return { line: bytes.subarray(0, at), rest: bytes.subarray(at + 1) };
    if (bytes.length > LINE_BYTES_MAX) throw invalid(`its first line is longer than ${LINE_BYTES_MAX} bytes`);
    const { done, value } = await chunks.next();
    if (done === true) throw invalid('its first line does not end');
    bytes = Buffer.concat([bytes, value]);
  }
}

async function* continued(first: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) yield step.value;
}

function parseArgs(line: Uint8Array): readonly string[] {
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    throw invalid('its first line is no JSON');
  }
  const { args } = (typeof said === 'object' && said !== null ? said : {}) as { readonly args?: unknown };
  if (!Array.isArray(args) || !args.every((one): one is string => typeof one === 'string' && !one.includes('\0')))
    throw invalid('args is no list of words');
  return args;
}

function invalid(why: string): HttpError {
  return new HttpError(400, 'invalid-command', `the body is no command: ${why}`);
}
