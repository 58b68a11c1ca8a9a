import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { WriteOptions } from '../client/storage-client.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { demandFile } from './demand-file.ts';
import { demandOwnFile } from './demand-own-file.ts';
import { demandOwnPath } from './demand-own-path.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { ObjectClients } from './object-client.ts';
import { reportWritten } from './report-written.ts';
import { openStdin } from './stdin.ts';

interface PutOptions {
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly ifAbsent?: boolean;
  readonly ifVersion?: string;
  readonly wait?: boolean;
}

export const put: CommandModule = {
  declare(command, act) {
    command
      .argument('<file>', 'a local file; - is stdin')
      .argument('<object>', 'profile:name, or profile:dir/ to keep the file’s name')
      .option('--content-type <type>', 'what the bytes are, such as image/png')
      .option('--metadata <key=value>', 'user metadata; may be given again', collectPair)
      .option('--if-absent', 'only if there is no such object yet')
      .option('--if-version <id>', 'only if this is the current version')
      .option('--wait', 'until the replicas have it too')
      .action(
        act<[string, string], PutOptions>(async (cli, [file, written], options) => {
          await using clients = new ObjectClients(cli);
          const { client, name: path } = await clients.find(written, { allowEmpty: true });
          const name = nameFor(path, file);
          if (file !== '-') {
            demandOwnFile('put', file);
            demandOwnPath('put', file);
            demandFile(file, written);
          }
          const { contentType, metadata, ifAbsent, ifVersion } = options;
          const how: WriteOptions = {
            ...(contentType === undefined ? {} : { contentType }),
            ...(metadata === undefined ? {} : { metadata }),
            ...(ifAbsent === undefined ? {} : { ifAbsent }),
            ...(ifVersion === undefined ? {} : { ifVersion }),
            signal: cli.signal,
          };
          const result =
            file === '-'
              ? await client.write(name, openStdin(cli.signal), how)
              : await client.uploadFile(name, file, how);
          return (await reportWritten(cli, client, { name, result, wait: options.wait === true })) ?? EXIT.done;
        }),
      );
  },
};

function nameFor(path: string, file: string): string {
  if (path !== '' && !path.endsWith('/')) return path;
  if (file !== '-') return `${path}${basename(file)}`;
  const message = 'bytes from stdin have no name of their own';
  throw new ConfigurationError([
    problemOutsideFiles('object', message, 'write the whole name: pando put - profile:dir/name'),
  ]);
}

function collectPair(text: string, previous: unknown): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('Write key=value.');
  return { ...(previous as Record<string, string> | undefined), [text.slice(0, at)]: text.slice(at + 1) };
}
