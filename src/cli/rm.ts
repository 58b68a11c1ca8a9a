import { escapeKey } from '../domain/object/key.ts';
import type { DeleteResult } from '../engine/delete-object.ts';
import { describeFailure } from './describe-failure.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { ObjectClients } from './object-client.ts';

export const rm: CommandModule = {
  declare(command, act) {
    command
      .argument('<objects...>', 'profile:name, pando://, s3://, file:// or a path')
      .option('--if-version <id>', 'only if this is the current version')
      .action(
        act<[string[]], { readonly ifVersion?: string }>(async (cli, [written], { ifVersion }) => {
          await using clients = new ObjectClients(cli);
          const deleted: { object: string; result: DeleteResult }[] = [];
          let exitCode: ExitCode = EXIT.done;
          for (const object of written) {
            try {
              const { client, name } = await clients.find(object);
              const how = { ...(ifVersion === undefined ? {} : { ifVersion }), signal: cli.signal };
              deleted.push({ object, result: await client.delete(name, how) });
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
