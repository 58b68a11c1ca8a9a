import type { Command } from 'commander';
import type { ObjectName } from '../domain/object/object-name.ts';
import { findScopeProblem } from '../domain/object/scope.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { GlobalOptions } from './global-options.ts';
import type { Output } from './output.ts';
import type { ServerAddress } from './server-address.ts';
import { Refused, ServerObjects } from './server-objects.ts';

interface OwnScopesCommand {
  readonly server: ServerAddress;
  readonly command: Command;
  /** `put`. */
  readonly name: string;
  readonly globals: GlobalOptions;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Commands that mean objects, and which of their arguments say which. */
const OBJECTS_OF: Readonly<Record<string, (args: readonly unknown[]) => readonly unknown[]>> = {
  cat: (args) => args.flat(),
  rm: (args) => args.flat(),
  stat: (args) => args,
  ls: (args) => args,
  put: (args) => args.slice(1),
};

/**
 * What is in no profile of the server, but in a scope of its own, is written and read as clients of its HTTP do (docs/server.md,
 * "Commands"): only there is it known whether it may be written now, and whom a write waits for. Undefined: it is no such command.
 */
export async function runOnOwnScopes(given: OwnScopesCommand): Promise<ExitCode | undefined> {
  const { command, name, signal, output } = given;
  const objects = OBJECTS_OF[name]?.(command.processedArgs).map((one) => parse(String(one))) ?? [];
  const named = objects.filter((one) => one !== undefined);
  if (named.length === 0 || named.length < objects.length) return undefined;
  const server = new ServerObjects(given.server, signal);
  try {
    const kinds = await Promise.all([...new Set(named.map(({ scope }) => scope))].map((one) => server.kindOf(one)));
    if (!kinds.some((kind) => kind === 'own' || (kind === 'new' && name === 'put'))) return undefined;
    const { runOnObjects } = await import('./own-objects.ts');
    return await runOnObjects(server, { ...given, objects: named, options: command.opts() });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    output.complain(signal.aborted ? 'interrupted' : error.message);
    return signal.aborted ? EXIT.interrupted : error.exitCode;
  }
}

/** Undefined: it is no name of an object, or part of one, in a scope that is named. */
function parse(written: string): ObjectName | undefined {
  const [, ofUrl, plain, name = ''] =
    /^(?:(?:pando|msc):\/\/([^:/]+)(?:\/|$)|([^:/]+):(?!\/\/)\/?)(.*)$/s.exec(written) ?? [];
  const scope = ofUrl ?? plain;
  return scope === undefined || findScopeProblem(scope) !== undefined ? undefined : { scope, name };
}
