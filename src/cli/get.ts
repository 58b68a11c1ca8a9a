import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Consistency } from '../engine/locate-object.ts';
import type { ObjectContent } from '../domain/object/version.ts';
import { consistencyOption } from './cat.ts';
import { demandDirectoryOf } from './demand-directory.ts';
import { demandOwnPath } from './demand-own-path.ts';
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
            if (file !== undefined) demandOwnPath('file', file);
            await using clients = new ObjectClients(cli);
            const { client, name } = await clients.find(written);
            const path = placeFor(file ?? '.', name);
            demandDirectoryOf(path);
            const how = { ...(consistency === undefined ? {} : { consistency }), signal: cli.signal };
            const look = async (): Promise<Found> =>
              overwrite ? lookAt(path) : compareWith(path, (await client.info(name, how)).content);
            let there = await look();
            if (there === undefined || there === 'file') {
              try {
                await client.downloadFile(name, path, { ...how, ifAbsent: !overwrite });
              } catch (error) {
                if (!isTaken(error)) throw error;
                // What came while the bytes did is somebody's, and judged as what is there from the first.
                there = (await look()) ?? 'other bytes';
              }
            }
            if (there === 'no file' || there === 'other bytes') {
              cli.output.complain(`${path} is there, ${WHY_NOT[there]}`);
              return EXIT.refused;
            }
            if (cli.globals.json === true) cli.output.printJson({ object: written, file: path });
            else cli.output.note(`${path}: complete and verified${there === 'same bytes' ? ', as it was' : ''}`);
            return EXIT.done;
          },
        ),
      );
  },
};

const WHY_NOT = {
  'no file': 'and is no file: name one, or use pando cat',
  'other bytes': 'with other bytes: --overwrite replaces it',
};

type Found = 'file' | 'same bytes' | 'other bytes' | 'no file' | undefined;

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function lookAt(path: string): 'file' | 'no file' | undefined {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there === undefined ? undefined : there.isFile() ? 'file' : 'no file';
}

async function compareWith(path: string, { size, sha256 }: ObjectContent): Promise<Exclude<Found, 'file'>> {
  const there = lookAt(path);
  if (there !== 'file') return there;
  const isSame = sha256 !== undefined && statSync(path).size === size && (await hashFile(path)) === sha256;
  return isSame ? 'same bytes' : 'other bytes';
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
