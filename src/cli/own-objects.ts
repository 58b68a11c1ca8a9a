import { basename } from 'node:path';
import type { IncomingMessage } from 'node:http';
import type { Command } from 'commander';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { ByteRange } from '../domain/transfer/byte-range.ts';
import { openStdin } from './ask-server.ts';
import { demandFile } from './demand-file.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { GlobalOptions } from './global-options.ts';
import { isAtOrBelow, isPattern, showListed } from './ls.ts';
import type { Output } from './output.ts';
import { Refused, type ServerObjects } from './server-objects.ts';
import { showFacts } from './stat.ts';

interface ObjectsCommand {
  readonly command: Command;
  /** `put`. */
  readonly name: string;
  readonly globals: GlobalOptions;
  readonly output: Output;
  readonly objects: readonly ObjectName[];
  /** As the command line says them: each command knows its own. */
  readonly options: Readonly<Record<string, unknown>>;
}

type Run = (server: ServerObjects, given: ObjectsCommand) => Promise<ExitCode>;

/** Fails with `Refused`, or a `ConfigurationError`. */
export function runOnObjects(server: ServerObjects, given: ObjectsCommand): Promise<ExitCode> {
  const { run, unable } = COMMANDS[given.name] ?? {};
  if (run === undefined) throw new Error(`${given.name} is no command on objects`);
  const option = unable?.find((one) => given.options[one] !== undefined);
  if (option === undefined) return run(server, given);
  const message = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is for objects of profiles, and this scope is the server's own`;
  throw new ConfigurationError([
    problemOutsideFiles('--server', message, 'leave it away; over HTTP there is If-Match'),
  ]);
}

/** `unable`: options that mean nothing over HTTP. */
const COMMANDS: Readonly<Record<string, { readonly run: Run; readonly unable?: readonly string[] }>> = {
  cat: { run: cat },
  put: { run: put, unable: ['ifVersion', 'wait'] },
  rm: { run: remove, unable: ['ifVersion'] },
  ls: { run: list },
  stat: { run: stat },
};

async function cat(server: ServerObjects, { objects, options, output }: ObjectsCommand): Promise<ExitCode> {
  const range = options['range'] as ByteRange | undefined;
  for (const object of objects) {
    const headers = range === undefined ? {} : { range: rangeHeader(range) };
    const answer = await server.ask(object, { method: 'GET', headers });
    try {
      for await (const chunk of answer as AsyncIterable<Uint8Array>) {
        await output.write(chunk);
        if (output.isClosed) return EXIT.done;
      }
    } catch {
      throw new Refused(`${formatObjectName(object)}: it broke off, and what came of it is not all`, EXIT.unavailable);
    }
  }
  return EXIT.done;
}

function rangeHeader(range: ByteRange): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.start}-${range.end ?? ''}`;
}

async function put(server: ServerObjects, given: ObjectsCommand): Promise<ExitCode> {
  const { objects, options, output, globals, command } = given;
  const [{ scope, name: path } = { scope: '', name: '' }] = objects;
  const file = String(command.processedArgs[0]);
  const name = (path === '' || path.endsWith('/')) && file !== '-' ? `${path}${basename(file)}` : path;
  const object = formatObjectName({ scope, name });
  if (file !== '-') demandFile(file, object);
  const metadata = Object.entries((options['metadata'] as Readonly<Record<string, string>> | undefined) ?? {});
  const said = [
    ['content-type', options['contentType'] as string | undefined],
    ...metadata.map(([key, value]) => [`x-amz-meta-${key}`, value] as const),
    ['if-none-match', options['ifAbsent'] === true ? '*' : undefined],
  ] as const;
  const headers = Object.fromEntries(
    said.flatMap(([header, value]) => (value === undefined ? [] : [[header, headerValue(header, value)]])),
  );
  const answer = await server.ask({ scope, name }, { method: 'PUT', headers, stdin: openStdin({ file }) });
  answer.resume();
  const version = answer.headers['x-pando-version'];
  if (globals.json === true) output.printJson({ object, version });
  else output.note(`${escapeKey(object)}: in the server's own store, version ${String(version)}${laterAt(answer)}`);
  return EXIT.done;
}

/** Headers are bytes, and Pando's are UTF-8. */
function headerValue(header: string, value: string): string {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(header) && !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
    return Buffer.from(value, 'utf8').toString('latin1');
  const message = `${JSON.stringify(`${header}: ${value}`)} cannot be said in HTTP`;
  throw new ConfigurationError([
    problemOutsideFiles('put', message, 'leave out spaces in keys, and control characters'),
  ]);
}

function laterAt({ statusCode }: IncomingMessage): string {
  return statusCode === 202 ? '; its peers are told of it later' : '';
}

async function remove(server: ServerObjects, { objects, output, globals }: ObjectsCommand): Promise<ExitCode> {
  const deleted: { readonly object: string }[] = [];
  const ends: ExitCode[] = [];
  for (const one of objects) {
    const object = formatObjectName(one);
    try {
      const answer = await server.ask(one, { method: 'DELETE' });
      answer.resume();
      const version = answer.headers['x-pando-version'];
      if (version === undefined) throw new Refused(`there is no object ${escapeKey(object)}`, EXIT.notFound);
      deleted.push({ object });
      if (globals.json !== true) output.note(`${escapeKey(object)}: deleted${laterAt(answer)}`);
    } catch (error) {
      // One that cannot be deleted does not keep the others.
      if (!(error instanceof Refused)) throw error;
      output.complain(error.message);
      ends.push(error.exitCode);
    }
  }
  if (globals.json === true) output.printJson(deleted);
  return ends.length > 1 ? EXIT.failed : (ends[0] ?? EXIT.done);
}

interface ListedPage {
  readonly objects: readonly { readonly name: string; readonly size: number; readonly lastModified?: string }[];
  readonly nextStartAfter?: string;
}

async function list(server: ServerObjects, { objects, options, output, globals }: ObjectsCommand): Promise<ExitCode> {
  const [{ scope, name: path } = { scope: '', name: '' }] = objects;
  if (isPattern(path)) {
    const message = `${JSON.stringify(`${scope}:${path}`)} is a pattern, and this scope is the server's own`;
    throw new ConfigurationError([problemOutsideFiles('ls', message, 'pando object ls takes patterns')]);
  }
  let isAnyThere = false;
  let startAfter: string | undefined = '';
  while (startAfter !== undefined) {
    const page = (await server.list(scope, { prefix: path, 'start-after': startAfter })) as ListedPage;
    for (const { name, size, lastModified } of page.objects) {
      if (!isAtOrBelow(name, path)) continue;
      isAnyThere = true;
      const modifiedNs = lastModified === undefined ? undefined : BigInt(Date.parse(lastModified)) * 1_000_000n;
      showListed({ globals, output }, { name, size, modifiedNs }, options['long'] === true);
      if (output.isClosed) return EXIT.done;
    }
    startAfter = page.nextStartAfter;
  }
  if (isAnyThere || path === '') return EXIT.done;
  output.complain(`${scope}: there is nothing at or below ${escapeKey(path)}`);
  return EXIT.notFound;
}

const METADATA = 'x-amz-meta-';

async function stat(server: ServerObjects, { objects, output, globals }: ObjectsCommand): Promise<ExitCode> {
  for (const one of objects) {
    const { headers } = await server.ask(one, { method: 'HEAD' });
    const textOf = (header: string): string | undefined => {
      const value = headers[header];
      return typeof value === 'string' ? Buffer.from(value, 'latin1').toString('utf8') : undefined;
    };
    const metadata = Object.keys(headers).filter((header) => header.startsWith(METADATA));
    const modified = textOf('last-modified');
    const facts = {
      object: formatObjectName(one),
      version: textOf('x-pando-version'),
      size: Number(headers['content-length']),
      sha256: textOf('x-pando-sha256'),
      modified: modified === undefined ? undefined : new Date(modified).toISOString(),
      contentType: textOf('content-type'),
      metadata: Object.fromEntries(metadata.map((header) => [header.slice(METADATA.length), textOf(header) ?? ''])),
      isUnvalidated: headers['x-pando-unvalidated'] === 'true',
    };
    if (globals.json === true) output.printJson(facts);
    else showFacts(output, { ...facts, object: escapeKey(facts.object) });
  }
  return EXIT.done;
}
