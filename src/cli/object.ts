import { formatBytesRoughly } from '../config/quantity.ts';
import type { CatalogObjects, ObjectDetails } from '../client/catalog-objects.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { demandScope } from './demand-scope.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { renderTable } from './table.ts';

interface SetOptions extends NameOptions {
  readonly format?: string;
  readonly rightsHolder?: string;
}

export const object: CommandModule = {
  declare(command, act) {
    declareScope(command.command('ls').description('list objects as the catalog has them, whatever their stores say'))
      .argument('<objects>', 'scope: for all of a scope, scope:name, or a pattern such as scope:raw/*.csv')
      .option('-l, --long', 'size and sha256 too')
      .action(
        act<[string], NameOptions & { readonly long?: boolean }>((cli, [wanted], options) =>
          list(cli, wanted, options),
        ),
      );
    declareScope(command.command('show').description('everything the catalog knows of an object'))
      .argument('<name>', 'scope:name')
      .action(act<[string], NameOptions>((cli, [name], options) => show(cli, name, options)));
    declareScope(command.command('set').description('say what the catalog cannot know of objects'))
      .argument('<names...>', 'scope:name of each')
      .option(
        '--format <format>',
        "of the bytes, such as eml://ecoinformatics.org/eml-2.1.1; '' is the content type again",
      )
      .option('--rights-holder <account>', "who says how many copies there are; '' is nobody")
      .action(act<[string[]], SetOptions>((cli, [names], options) => set(cli, names, options)));
  },
};

async function open(cli: Invocation, options: NameOptions): Promise<CatalogObjects> {
  const { CatalogObjects: Opened } = await import('../client/catalog-objects.ts');
  return new Opened(await (await cli.pando()).catalog(), scopeOf(options));
}

/** One line an object, as it comes: memory stays flat. */
async function list(
  cli: Invocation,
  wanted: string,
  options: NameOptions & { readonly long?: boolean },
): Promise<ExitCode> {
  let isAnyThere = false;
  for await (const { scope, name, size, sha256 } of (await open(cli, options)).list(wanted)) {
    isAnyThere = true;
    const one = formatObjectName({ scope, name });
    if (cli.globals.json === true) cli.output.printJsonLine({ object: one, size, sha256 });
    else if (options.long === true)
      cli.output.print(`${formatBytesRoughly(size).padStart(9)}  ${(sha256 ?? '').padEnd(64)}  ${escapeKey(one)}`);
    else cli.output.print(escapeKey(one));
    if (cli.output.isClosed) break;
  }
  const named = wanted.includes(':') ? wanted.slice(0, wanted.indexOf(':')) : options.scope;
  if (!isAnyThere && named !== undefined) await demandScope(cli, named);
  return EXIT.done;
}

async function show(cli: Invocation, name: string, options: NameOptions): Promise<ExitCode> {
  const details = await (await open(cli, options)).show(name);
  if (cli.globals.json === true) cli.output.printJson(toJson(details));
  else await printDetails(cli, details);
  return EXIT.done;
}

function toJson({ scope, name, version, content, ...details }: ObjectDetails) {
  const { modifiedNs, size, sha256, contentType, metadata } = content ?? {};
  const { replicas, parents, namesake, format, rightsHolder, authority, earlier } = details;
  return {
    object: formatObjectName({ scope, name }),
    isDeleted: content === undefined,
    version: version.operation,
    dot: version.dot,
    earlier,
    size,
    sha256,
    modified: modifiedNs === undefined ? undefined : new Date(Number(modifiedNs / 1_000_000n)).toISOString(),
    contentType,
    format,
    rightsHolder,
    authority,
    metadata,
    replicas: replicas.map(({ store, state, verification, soft, isCurrent, place }) => ({
      store,
      state,
      verification,
      isSoft: soft === true,
      isCurrent,
      place,
    })),
    datasets: parents.map(formatObjectName),
    namesake: namesake?.kind,
  };
}

const LABELS = {
  object: 'object',
  version: 'version',
  size: 'size',
  sha256: 'sha256',
  modified: 'modified',
  contentType: 'content type',
  format: 'format',
  rightsHolder: 'rights holder',
  authority: 'authoritative at',
} as const;

async function printDetails({ output }: Invocation, details: ObjectDetails): Promise<void> {
  const told = toJson(details);
  const { dot, earlier, metadata, replicas, datasets, namesake, isDeleted, size } = told;
  const shown = { ...told, size: size === undefined ? undefined : `${size} (${formatBytesRoughly(size)})` };
  for (const [field, label] of Object.entries(LABELS) as [keyof typeof LABELS, string][]) {
    const value = shown[field];
    if (value !== undefined) output.print(`${label}: ${escapeKey(value)}`);
  }
  output.print(`dot: ${dot.actor}:${dot.counter}`);
  for (const [key, value] of Object.entries(metadata ?? {})) output.print(`metadata ${key}: ${value}`);
  output.print(`is in: ${datasets.map(escapeKey).join(', ') || 'no dataset'}`);
  if (isDeleted) output.print('It was deleted.');
  if (earlier !== undefined)
    output.print(`What is read is an older version, ${earlier}: no store has had this one yet.`);
  if (namesake !== undefined) output.print(`A ${namesake} has the same name: pando ${namesake} show.`);
  output.print();
  if (replicas.length === 0) {
    output.print('no replica');
    return;
  }
  const rows = replicas.map(({ store, state, isSoft, verification, isCurrent, place }) => [
    store,
    isSoft ? `${state} (soft)` : state,
    verification,
    isCurrent ? 'current' : 'older',
    escapeKey(place),
  ]);
  const headings = ['replica at', 'state', 'verified', 'version', 'place'];
  output.print(await renderTable(headings, rows, headings));
}

async function set(cli: Invocation, names: readonly string[], options: SetOptions): Promise<ExitCode> {
  const { format, rightsHolder } = options;
  if (format === undefined && rightsHolder === undefined) {
    const remedy = 'say --format or --rights-holder';
    throw new ConfigurationError([problemOutsideFiles('object set', 'nothing is to be set', remedy)]);
  }
  const objects = await open(cli, options);
  for (const name of names) {
    await objects.set(name, {
      ...(format === undefined ? {} : { format: format === '' ? undefined : format }),
      ...(rightsHolder === undefined ? {} : { rightsHolder: rightsHolder === '' ? undefined : rightsHolder }),
    });
    if (cli.globals.json !== true) cli.output.note(`${escapeKey(name)}: set`);
  }
  if (cli.globals.json === true) {
    const shown = [];
    for (const name of names) shown.push(toJson(await objects.show(name)));
    cli.output.printJson(shown);
  }
  return EXIT.done;
}
