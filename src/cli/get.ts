import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Consistency } from '../engine/locate-object.ts';
import { consistencyOption } from './cat.ts';
import { demandDirectoryOf } from './demand-directory.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { ObjectClients } from './object-client.ts';

export const get: CommandModule = {
  declare(command, act) {
    command
      .argument('<object>', 'profile:name, pando://, s3://, file:// or a path')
      .argument('[file]', 'where to; by default this directory. It appears complete and verified, or not at all')
      .addOption(consistencyOption())
      .action(
        act<[string, string | undefined], { readonly consistency?: Consistency }>(
          async (cli, [written, file], { consistency }) => {
            await using clients = new ObjectClients(cli);
            const { client, name } = await clients.find(written);
            const path = placeFor(file ?? '.', name);
            demandDirectoryOf(path);
            await client.downloadFile(name, path, {
              ...(consistency === undefined ? {} : { consistency }),
              signal: cli.signal,
            });
            if (cli.globals.json === true) cli.output.printJson({ object: written, file: path });
            else cli.output.note(`${path}: complete and verified`);
            return EXIT.done;
          },
        ),
      );
  },
};

/** A directory takes the object under the last part of its name. */
function placeFor(file: string, name: string): string {
  const isDirectory = file.endsWith('/') || statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  return isDirectory ? join(file, basename(name)) : file;
}
