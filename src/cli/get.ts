import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Consistency } from '../engine/locate-object.ts';
import type { StorageClient } from '../client/storage-client.ts';
import { consistencyOption } from './cat.ts';
import { demandDirectoryOf } from './demand-directory.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { ObjectClients } from './object-client.ts';

interface GetOptions {
  readonly consistency?: Consistency;
  readonly overwrite?: boolean;
}

export const get: CommandModule = {
  declare(command, act) {
    command
      .argument('<object>', 'profile:name, pando://, s3://, file:// or a path')
      .argument('[file]', 'where to; by default this directory. It appears complete and verified, or not at all')
      .addOption(consistencyOption())
      .option('--overwrite', 'replace a file that is there with other bytes')
      .action(
        act<[string, string | undefined], GetOptions>(
          async (cli, [written, file], { consistency, overwrite = false }) => {
            await using clients = new ObjectClients(cli);
            const { client, name } = await clients.find(written);
            const path = placeFor(file ?? '.', name);
            demandDirectoryOf(path);
            const why = await whyNot(client, name, { path, overwrite });
            if (why !== undefined) {
              cli.output.complain(`${path} is there, ${why}`);
              return EXIT.refused;
            }
            // What came into being since is as good as what was there before.
            const ifAbsent = !overwrite && lstatSync(path, { throwIfNoEntry: false }) === undefined;
            await client.downloadFile(name, path, {
              ifAbsent,
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

/** A file is replaced without a word only by the same bytes, and what is no file never. */
async function whyNot(
  client: StorageClient,
  name: string,
  { path, overwrite }: { readonly path: string; readonly overwrite: boolean },
): Promise<string | undefined> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return undefined;
  if (!there.isFile()) return 'and is no file: name one, or use pando cat';
  if (overwrite) return undefined;
  const { size, sha256 } = (await client.info(name)).content;
  const isSame = there.size === size && sha256 !== undefined && (await hashFile(path)) === sha256;
  return isSame ? undefined : 'with other bytes: --overwrite replaces it';
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** A directory takes the object under the last part of its name. */
function placeFor(file: string, name: string): string {
  const isDirectory = file.endsWith('/') || statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  return isDirectory ? join(file, basename(name)) : file;
}
