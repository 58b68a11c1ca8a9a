import { findStore, listStores, type ListedStore, type StoresFound } from '../client/list-stores.ts';
import type { StoreKnown, StoreUsed } from '../client/store-use.ts';
import type { Configuration } from '../config/configuration.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { describeTraits } from '../config/show-traits.ts';
import { formatInstant } from '../domain/format-instant.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { renderTable } from './table.ts';

export const store: CommandModule = {
  declare(command, act) {
    command
      .command('ls')
      .description('list the stores that rules may name: all, or those an expression means')
      .argument('[expression]', "such as 'country=ch&kind=disk' or 'T1\\tape'")
      .action(act<[string | undefined]>((cli, [expression]) => list(cli, expression)));
    command
      .command('show')
      .description('everything that rules know of one store')
      .argument('<name>', 'the profile')
      .action(act<[string]>((cli, [name]) => show(cli, name)));
    command
      .command('set')
      .description('say what a store is to be asked for, whatever its configuration says')
      .argument('<name>', 'the profile')
      .option('--read', 'it gives bytes')
      .option('--no-read', 'nothing is read from it: by reads, syncs or rules')
      .option('--write', 'it takes copies')
      .option('--no-write', 'nothing is written to it for now: copies wait, or go elsewhere; a sync passes it over')
      .option('--delete', 'it deletes')
      .option('--no-delete', 'nothing is deleted there for now: deletes wait')
      .option('--as-configured', 'forget what was said: the configuration counts')
      .action(act<[string], SetOptions>((cli, [name], options) => set(cli, name, options)));
    command
      .command('moved')
      .description('a store was moved: the catalog goes on at its new place')
      .argument('<name>', 'the profile')
      .option('--from <place>', 'where it lay, if several places are known by its name')
      .action(act<[string], MovedOptions>((cli, [name], options) => sayMoved(cli, name, options)));
    command
      .command('lost')
      .description('a store is gone for good, or was emptied: its copies are forgotten, and nothing waits for it')
      .argument('<store>', 'the profile, or a place that the catalog knows')
      .option('--yes', 'do it; otherwise it is only told what would follow')
      .action(
        act<[string], { readonly yes?: boolean }>(async (cli, [what], { yes }) => {
          const { sayLost } = await import('./store-lost.ts');
          return sayLost(cli, what, yes === true);
        }),
      );
  },
};

async function list(cli: Invocation, expression: string | undefined): Promise<ExitCode> {
  const { readAvailabilities } = await import('../client/store-use.ts');
  const found = listStores(await cli.configuration(), expression);
  const stores = await readAvailabilities(await cli.pando(), found.kind === 'empty' ? [] : found.stores);
  explain(cli, found);
  if (cli.globals.json === true)
    cli.output.printJson(
      stores.map((one) => ({ ...toJson(one), ...(one.away === undefined ? {} : { away: one.away }) })),
    );
  else if (stores.length > 0) {
    const rows = stores.map(({ name, type, place, traits, attributes, away }) => [
      name,
      type,
      traits.site ?? '',
      traits.kind,
      describeAvailability(traits.availability) + (away === undefined ? '' : `; ${describeAway(away)}`),
      describeAttributes(attributes),
      place,
    ]);
    const headings = ['store', 'type', 'site', 'kind', 'available for', 'attributes', 'place'];
    cli.output.print(await renderTable(headings, rows, headings));
  } else cli.output.note(expression === undefined ? 'no profile is configured' : 'no store is meant by that');
  return EXIT.done;
}

/** What may not be meant so. */
function explain(cli: Invocation, found: StoresFound): void {
  const { warnings, unknownKeys } = found;
  for (const { name, sameAs } of found.kind === 'empty' ? [] : found.stores)
    if (sameAs !== undefined)
      cli.output.complain(`${name} is the same place as ${sameAs}: rules and uploads know that store as ${sameAs}`);
  for (const { message, remedy } of warnings) cli.output.complain(`${message}; ${remedy}`);
  for (const { key, nearest } of unknownKeys) {
    const advice = nearest === undefined ? '' : `: did you mean ${nearest}?`;
    cli.output.complain(`no store is called ${key}, and none has such an attribute${advice}`);
  }
}

interface SetOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly delete?: boolean;
  readonly asConfigured?: boolean;
}

async function set(cli: Invocation, name: string, options: SetOptions): Promise<ExitCode> {
  const { setStore } = await import('../client/store-use.ts');
  const { asConfigured } = options;
  // Global options are among them.
  const verbs = {
    ...(options.read === undefined ? {} : { read: options.read }),
    ...(options.write === undefined ? {} : { write: options.write }),
    ...(options.delete === undefined ? {} : { delete: options.delete }),
  };
  if (asConfigured === true && Object.keys(verbs).length > 0) {
    const remedy = 'say it in a command of its own';
    throw new ConfigurationError([
      problemOutsideFiles('store set', '--as-configured takes back everything that was said', remedy),
    ]);
  }
  const { availability, hastened } = await setStore(
    await cli.pando(),
    name,
    asConfigured === true ? 'as-configured' : verbs,
  );
  if (cli.globals.json === true) cli.output.printJson({ name, availability, hastened });
  else {
    cli.output.note(`${name} is available for ${describeAvailability(availability)}`);
    if (hastened > 0) cli.output.note(`  ${hastened} that waited are tried now`);
  }
  return EXIT.done;
}

interface MovedOptions {
  readonly from?: string;
}

async function sayMoved(cli: Invocation, name: string, { from: chosen }: MovedOptions): Promise<ExitCode> {
  const { moveStore } = await import('../client/move-store.ts');
  const pando = await cli.pando();
  const moved = await moveStore(pando, name, { from: chosen });
  if (cli.globals.json === true) {
    cli.output.printJson({ name, ...moved });
    return EXIT.done;
  }
  if (moved === undefined) {
    cli.output.note(`${name} lies where the catalog knows it`);
    return EXIT.done;
  }
  const { from, looked, missing } = moved;
  const sources = sourcesOf(pando.configuration, name);
  const look = sources.length === 0 ? `pando audit ${name}` : sources.map((one) => `pando sync ${one}:`).join(', ');
  cli.output.note(`${name} lay at ${from}, and is known here now; look at it with: ${look}`);
  cli.output.note('  pando worker, where it was begun before: start it again');
  if (missing > 0)
    cli.output.complain(`${missing} of ${looked} objects that were looked for are not here as they were there`);
  return EXIT.done;
}

/** Profiles whose sync looks at the store. */
function sourcesOf({ profiles }: Configuration, name: string): readonly string[] {
  const own = profiles[name]?.replicas.length === 0 ? [] : [name];
  const mirrored = Object.values(profiles).filter(({ replicas }) => replicas.some(({ profile }) => profile === name));
  return [...own, ...mirrored.map((one) => one.name)];
}

async function show(cli: Invocation, name: string): Promise<ExitCode> {
  const one = findStore(await cli.configuration(), name);
  const { readStoreUse } = await import('../client/store-use.ts');
  const { availability, away, use, transfers } = await readStoreUse(await cli.pando(), name);
  const known = {
    ...toJson(one),
    availability,
    ...(away === undefined ? {} : { away }),
    ...(transfers === undefined ? {} : { transfers }),
    ...(use === undefined ? {} : { use }),
  };
  if (cli.globals.json === true) cli.output.printJson(known);
  else {
    const { yamlBlock } = await import('../config/yaml-text.ts');
    const shown = {
      ...known,
      ...(away === undefined ? {} : { away: describeAway(away) }),
      ...(use === undefined ? {} : { use: shownUse(use) }),
    };
    cli.output.print(yamlBlock(shown).trimEnd());
  }
  return EXIT.done;
}

function shownUse({ completedBytes, inFlightBytes, leavingBytes, pendingRequests, recent, sourceOf }: StoreUsed) {
  return {
    completed: formatBytesRoughly(completedBytes),
    in_flight: formatBytesRoughly(inFlightBytes),
    leaving: formatBytesRoughly(leavingBytes),
    pending_requests: pendingRequests,
    source_of: sourceOf,
    transfers_of_a_day: recent.map(
      ({ source, succeeded, failed }) => `from ${source}: ${succeeded} arrived, ${failed} failed`,
    ),
  };
}

function toJson({
  name,
  type,
  place,
  sameAs,
  traits,
  attributes,
  transferTools,
}: ListedStore): Record<string, unknown> {
  const tools = transferTools.map(({ tool, ...at }) => [tool, at] as const);
  return {
    name,
    type,
    place,
    ...(sameAs === undefined ? {} : { same_as: sameAs }),
    ...describeTraits(traits),
    attributes: Object.fromEntries(attributes),
    ...(tools.length === 0 ? {} : { transfer_tools: Object.fromEntries(tools) }),
  };
}

function describeAvailability(availability: ListedStore['traits']['availability']): string {
  const verbs = (['read', 'write', 'delete'] as const).filter((verb) => availability[verb]);
  return verbs.length === 0 ? 'nothing' : verbs.join(', ');
}

function describeAway({ sinceMs, areCopiesUnavailable }: StoreKnown['away'] & object): string {
  const since = `has not answered since ${formatInstant(sinceMs)}`;
  return areCopiesUnavailable ? `${since}, its copies are brought elsewhere` : since;
}

function describeAttributes(attributes: ListedStore['attributes']): string {
  return [...attributes].map(([key, value]) => (value === true ? key : `${key}=${value}`)).join(' ');
}
