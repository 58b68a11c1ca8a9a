import type { DeleteOptions } from '../client/delete-uploaded.ts';
import { findProfile } from '../config/find-profile.ts';
import { currentSurroundings, existsHere } from '../config/surroundings.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName, parseObjectName } from '../domain/object/object-name.ts';
import { findScopeProblem } from '../domain/object/scope.ts';
import type { DeleteResult } from '../engine/delete-object.ts';
import { describeFailure } from './describe-failure.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { ObjectClients } from './object-client.ts';

export const rm: CommandModule = {
  declare(command, act) {
    command
      .argument('<objects...>', 'profile:name, pando://, s3://, file:// or a path; scope:name of what was uploaded')
      .option('--if-version <id>', 'only if this is the current version')
      .action(
        act<[string[]], { readonly ifVersion?: string }>(async (cli, [written], { ifVersion }) => {
          await using clients = new ObjectClients(cli);
          const deleted: { object: string; result: DeleteResult }[] = [];
          let exitCode: ExitCode = EXIT.done;
          for (const object of written) {
            try {
              const how = { ...(ifVersion === undefined ? {} : { ifVersion }), signal: cli.signal };
              deleted.push({ object, result: await remove(cli, clients, object, how) });
            } catch (error) {
              // One that cannot be deleted does not keep the others.
              cli.names.rename(error);
              const failure = describeFailure(error);
              const isPattern = failure.exitCode === EXIT.notFound && /[*?[{]/.test(object);
              cli.output.complain(isPattern ? `${failure.message}; rm takes names, not patterns` : failure.message);
              exitCode = exitCode === EXIT.done ? failure.exitCode : EXIT.failed;
            }
          }
          report(cli, deleted);
          return exitCode === EXIT.done ? exitCodeOf(deleted.map(({ result }) => result)) : exitCode;
        }),
      );
  },
};

async function remove(
  cli: Invocation,
  clients: ObjectClients,
  written: string,
  how: DeleteOptions,
): Promise<DeleteResult> {
  const name = await findUploaded(cli, written);
  if (name === undefined) {
    const { client, name: named } = await clients.find(written);
    return client.delete(named, how);
  }
  const { deleteUploaded } = await import('../client/delete-uploaded.ts');
  return deleteUploaded({ pando: await cli.pando(), scope: undefined }, formatObjectName(name), how);
}

/** Where no profile and no file is meant: the object of a scope that came by uploads. */
async function findUploaded(cli: Invocation, written: string): Promise<ObjectName | undefined> {
  const [, ofUrl, plain, name] = /^(?:(?:pando|msc):\/\/([^:/]+)\/|([^:/]+):(?!\/\/))(.+)$/s.exec(written) ?? [];
  const scope = ofUrl ?? plain;
  if (scope === undefined || name === undefined || findProfile(await cli.configuration(), scope) !== undefined) return;
  if (findScopeProblem(scope) !== undefined || (plain !== undefined && existsHere(written, currentSurroundings())))
    return;
  const parsed = parseObjectName(`${scope}:${name}`);
  if (!('value' in parsed)) return;
  const { isOfUploads } = await import('../client/delete-uploaded.ts');
  return (await isOfUploads(await cli.pando(), parsed.value)) ? parsed.value : undefined;
}

/** What is not gone everywhere is not done. */
function exitCodeOf(results: readonly DeleteResult[]): ExitCode {
  if (results.some(({ left }) => left.length > 0)) return EXIT.failed;
  return results.some(({ pending }) => pending.length > 0) ? EXIT.unavailable : EXIT.done;
}

function report(cli: Invocation, deleted: readonly { readonly object: string; readonly result: DeleteResult }[]): void {
  if (cli.globals.json === true) {
    cli.output.printJson(deleted.map(({ object, result }) => ({ object, ...result })));
    return;
  }
  for (const { object, result } of deleted) {
    cli.output.note(`${escapeKey(object)}: deleted at ${result.deleted.join(', ') || 'no store yet'}`);
    for (const store of result.left) cli.output.note(`  left at ${store}: somebody else wrote other bytes there`);
    for (const { store, why } of result.pending)
      cli.output.note(`  not served any more, and still to go at ${store}: ${why}; pando worker carries it out`);
  }
}
