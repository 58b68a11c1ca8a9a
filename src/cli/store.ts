import { findStore, listStores, type ListedStore, type StoresFound } from '../client/list-stores.ts';
import { describeTraits } from '../config/show-traits.ts';
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
  },
};

async function list(cli: Invocation, expression: string | undefined): Promise<ExitCode> {
  const found = listStores(await cli.configuration(), expression);
  const stores = found.kind === 'empty' ? [] : found.stores;
  explain(cli, found);
  if (cli.globals.json === true) cli.output.printJson(stores.map(toJson));
  else if (stores.length > 0) {
    const rows = stores.map(({ name, type, place, traits, attributes }) => [
      name,
      type,
      traits.site ?? '',
      traits.kind,
      describeAvailability(traits.availability),
      describeAttributes(attributes),
      place,
    ]);
    const headings = ['store', 'type', 'site', 'kind', 'available for', 'attributes', 'place'];
    cli.output.print(await renderTable(headings, rows, headings));
  } else cli.output.note(expression === undefined ? 'no profile is configured' : 'no store is meant by that');
  return EXIT.done;
}

/** What may not be meant so. */
function explain(cli: Invocation, { warnings, unknownKeys }: StoresFound): void {
  for (const { message, remedy } of warnings) cli.output.complain(`${message}; ${remedy}`);
  for (const { key, nearest } of unknownKeys) {
    const advice = nearest === undefined ? '' : `: did you mean ${nearest}?`;
    cli.output.complain(`no store is called ${key}, and none has such an attribute${advice}`);
  }
}

async function show(cli: Invocation, name: string): Promise<ExitCode> {
  const one = findStore(await cli.configuration(), name);
  if (cli.globals.json === true) cli.output.printJson(toJson(one));
  else {
    const { yamlBlock } = await import('../config/yaml-text.ts');
    cli.output.print(yamlBlock(toJson(one)).trimEnd());
  }
  return EXIT.done;
}

function toJson({ name, type, place, traits, attributes }: ListedStore): Record<string, unknown> {
  return { name, type, place, ...describeTraits(traits), attributes: Object.fromEntries(attributes) };
}

function describeAvailability(availability: ListedStore['traits']['availability']): string {
  const verbs = (['read', 'write', 'delete'] as const).filter((verb) => availability[verb]);
  return verbs.length === 0 ? 'nothing' : verbs.join(', ');
}

function describeAttributes(attributes: ListedStore['attributes']): string {
  return [...attributes].map(([key, value]) => (value === true ? key : `${key}=${value}`)).join(' ');
}
