import { formatBytesRoughly } from '../config/quantity.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { ListedObject } from '../engine/list-objects.ts';
import type { ListingFailure } from '../ports/storage.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { reasonOf } from './sync-report.ts';
import { ObjectClients } from './object-client.ts';

interface LsOptions {
  readonly long?: boolean;
  readonly partial?: boolean;
}

export const ls: CommandModule = {
  declare(command, act) {
    command
      .argument(
        '<place>',
        'a profile, profile:dir/, pando://, s3://, file:// or a path; or a pattern: profile:**/*.csv',
      )
      .option('-l, --long', 'size and time too')
      .option('--partial', 'a listing that is not complete will do: exit 0 though some of it could not be listed')
      .action(act<[string], LsOptions>((cli, [place], options) => list(cli, place, options)));
  },
};

/** One line an object, as it comes: memory stays flat. */
async function list(cli: Invocation, place: string, { long = false, partial = false }: LsOptions): Promise<ExitCode> {
  await using clients = new ObjectClients(cli);
  const { client, target, name: path } = await clients.findTree(place);
  const isMany = isPattern(path);
  const found = isMany
    ? await client.glob(path, { signal: cli.signal })
    : await client.list(path, { signal: cli.signal });
  const listing = 'listing' in found ? found.listing : found;
  let isAnyThere = false;
  for await (const one of found) {
    if (!isMany && !isAtOrBelow(one.name, path)) continue;
    isAnyThere = true;
    showListed(cli, one, long);
    if (cli.output.isClosed) return EXIT.done;
  }
  const isMeant = ({ protects }: ListingFailure): boolean => isMany || mayBeBelow(protects, path);
  for (const { shown, message } of listing.failures.filter(isMeant))
    cli.output.complain(`${shown} is no object: ${reasonOf(shown, message)}`);
  const unlisted = listing.unlisted.filter(isMeant);
  const { title = target.profile.name } = target.profile;
  for (const { shown, message } of unlisted)
    cli.output.complain(`${shown} could not be listed: ${reasonOf(shown, reasonOf(title, message))}`);
  for (const { why } of listing.unavailable) cli.output.complain(`the listing is not complete: ${why}`);
  const isTold = listing.failures.some(isMeant) || unlisted.length + listing.unavailable.length > 0;
  if (!isAnyThere && !isMany && !isTold && path !== '' && !(await isKnown(cli, target.profile.name, path))) {
    cli.output.complain(`${title}: there is nothing at or below ${escapeKey(path)}, and nothing is known of it`);
    return EXIT.notFound;
  }
  if (partial) return EXIT.done;
  const isAbsent = listing.unavailable.length > 0 && listing.unavailable.every(({ kind }) => kind === 'not-found');
  if (isAbsent && !isAnyThere && unlisted.length === 0) return EXIT.notFound;
  return exitCodeOf([...unlisted, ...listing.unavailable]);
}

/** What was there once is no slip. */
async function isKnown(cli: Invocation, scope: string, path: string): Promise<boolean> {
  const catalog = await (await cli.pando()).catalog();
  if ((await catalog.readObject(scope, path)) !== undefined) return true;
  const prefix = path.endsWith('/') ? path : `${path}/`;
  const page = await catalog.scanScope({ scope, prefix, limit: 1, stores: [], deleted: true, details: false });
  return page.names.length > 0;
}

/** What is denied stays so until somebody does something about it. */
function exitCodeOf(missing: readonly { readonly kind: string }[]): ExitCode {
  if (missing.length === 0) return EXIT.done;
  return missing.some(({ kind }) => kind === 'denied') ? EXIT.failed : EXIT.unavailable;
}

export function isPattern(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** `data` means the object of that name and what is below it, not `database`. */
export function isAtOrBelow(name: string, path: string): boolean {
  return path === '' || path.endsWith('/') || name === path || name.startsWith(`${path}/`);
}

/** Of a directory that cannot be looked into, too. */
function mayBeBelow(protects: string, path: string): boolean {
  return (
    isAtOrBelow(protects.replace(/\/$/, ''), path) ||
    (protects.endsWith('/') && path.startsWith(protects)) ||
    protects === ''
  );
}

export function showListed(
  { globals, output }: Pick<Invocation, 'globals' | 'output'>,
  { name, size, modifiedNs }: ListedObject,
  long: boolean,
): void {
  const modified = modifiedNs === undefined ? undefined : new Date(Number(modifiedNs / 1_000_000n)).toISOString();
  if (globals.json === true) output.printJsonLine({ name, size, modified });
  else if (long)
    output.print(`${formatBytesRoughly(size).padStart(9)}  ${(modified ?? '').padEnd(24)}  ${escapeKey(name)}`);
  else output.print(escapeKey(name));
}
