import type { Command } from 'commander';
import type { CollectionDetails, Collections, MembersChanged } from '../client/collections.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import type { CollectionKind } from '../domain/collection/collection.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { CollectionRecord, MemberRecord } from '../ports/collections.ts';
import { declareFromFile, declareScope, membersOf, type NameFile, type NameOptions, scopeOf } from './catalog-names.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Act, CommandModule, Invocation } from './invocation.ts';
import { renderTable } from './table.ts';

type MemberOptions = NameOptions & { readonly fromFile?: NameFile };
type ShowOptions = NameOptions & { readonly members?: boolean };
type CreateOptions = NameOptions & { readonly monotonic?: boolean };

/** The commands of datasets and those of containers are the same ones. */
export function collectionCommands(kind: CollectionKind): CommandModule {
  const contents = kind === 'dataset' ? 'objects' : 'datasets and containers';
  return {
    declare(command, act) {
      const name = (verb: string, description: string): Command =>
        declareScope(command.command(verb).description(description).argument('<name>', `scope:name of a ${kind}`));

      declareScope(command.command('create').description(`make ${kind}s; one that is there stays as it is`))
        .argument('<names...>', `scope:name of each ${kind}`)
        .option('--monotonic', 'nothing is taken out of it again')
        .action(act<[string[]], CreateOptions>((cli, [names], options) => create(cli, { kind, names, options })));
      command
        .command('ls')
        .description(`list ${kind}s: of all scopes, or of one`)
        .argument('[scope]', 'only of this one')
        .action(act<[string | undefined]>((cli, [scope]) => list(cli, kind, scope)));
      name('show', `what a ${kind} is, how much is in it, and what it is in`)
        .option('--members', 'list all its members instead, one a line')
        .action(act<[string], ShowOptions>((cli, [one], options) => show(cli, { kind, name: one, options })));
      declareMembers(name('add', `add ${contents}: all of those named, or none`), act, (cli, one, options) =>
        add(cli, kind, one, options),
      );
      declareMembers(name('rm', `take ${contents} out; they themselves stay`), act, (cli, one, options) =>
        remove(cli, kind, one, options),
      );
      name('close', `let nothing come or go any more`).action(
        act<[string], NameOptions>((cli, [one], options) => setOpen(cli, { kind, name: one, options }, false)),
      );
      name('open', `let members come and go again`).action(
        act<[string], NameOptions>((cli, [one], options) => setOpen(cli, { kind, name: one, options }, true)),
      );
    },
  };
}

interface Named {
  readonly name: string;
  readonly members: readonly string[];
}

function declareMembers(
  command: Command,
  act: Act,
  run: (cli: Invocation, named: Named, options: MemberOptions) => Promise<ExitCode>,
): void {
  declareFromFile(command)
    .argument('[members...]', 'scope:name, or a pattern such as scope:raw/*.csv')
    .action(
      act<[string, string[]], MemberOptions>((cli, [name, members], options) => run(cli, { name, members }, options)),
    );
}

async function open(cli: Invocation, kind: CollectionKind, options: NameOptions): Promise<Collections> {
  const { Collections: Opened } = await import('../client/collections.ts');
  return new Opened(await (await cli.pando()).catalog(), kind, scopeOf(options));
}

interface OnOne<Options> {
  readonly kind: CollectionKind;
  readonly name: string;
  readonly options: Options;
}

async function create(
  cli: Invocation,
  {
    kind,
    names,
    options,
  }: { readonly kind: CollectionKind; readonly names: readonly string[]; readonly options: CreateOptions },
): Promise<ExitCode> {
  const collections = await open(cli, kind, options);
  // All of them, or none for a name that is none.
  for (const name of names) collections.fullName(name);
  const made: { name: string; isNew: boolean }[] = [];
  for (const name of names) {
    const isNew = await collections.create(name, { monotonic: options.monotonic === true });
    made.push({ name: collections.fullName(name), isNew });
  }
  if (cli.globals.json === true) cli.output.printJson(made);
  else
    for (const { name, isNew } of made) cli.output.note(`${escapeKey(name)}: ${isNew ? 'made' : 'was there already'}`);
  return EXIT.done;
}

async function list(cli: Invocation, kind: CollectionKind, scope: string | undefined): Promise<ExitCode> {
  const collections = await open(cli, kind, {});
  const found: CollectionRecord[] = [];
  for await (const one of collections.list(scope)) found.push(one);
  if (cli.globals.json === true) cli.output.printJson(found.map(toJson));
  else if (found.length === 0) cli.output.note(`there is no ${kind}${scope === undefined ? '' : ` in ${scope}`}`);
  else {
    const rows = found.map((one) => [
      shown(one),
      describeState(one),
      one.members,
      new Date(one.createdMs).toISOString(),
    ]);
    cli.output.print(await renderTable([kind, 'state', 'members', 'created'], rows, [kind, 'state', 'created']));
  }
  return EXIT.done;
}

/** Of so many members `show` says the names. */
const MEMBERS_SHOWN = 20;

async function show(cli: Invocation, { kind, name, options }: OnOne<ShowOptions>): Promise<ExitCode> {
  const collections = await open(cli, kind, options);
  if (options.members === true) return listMembers(cli, collections, name);
  const details = await collections.show(name);
  if (cli.globals.json === true) {
    const { content, parents } = details;
    cli.output.printJson({ ...toJson(details), content, parents: parents.map(formatObjectName) });
    return EXIT.done;
  }
  printDetails(cli, details);
  const first: MemberRecord[] = [];
  for await (const member of collections.members(name)) if (first.push(member) === MEMBERS_SHOWN) break;
  if (first.length === 0) return EXIT.done;
  cli.output.print();
  const headings = ['member', kind === 'dataset' ? 'bytes' : 'kind'];
  const rows = first.map((member) => [shown(member), describeMember(member)]);
  cli.output.print(await renderTable(headings, rows, ['member', 'kind']));
  if (details.members > first.length)
    cli.output.note(`… and ${details.members - first.length} more: --members lists all`);
  return EXIT.done;
}

function printDetails({ output }: Invocation, details: CollectionDetails): void {
  const { kind, members, createdMs, content, parents } = details;
  const { collections, objects, bytes, deletedObjects } = content;
  output.print(`${kind}: ${shown(details)}`);
  output.print(`state: ${describeState(details)}`);
  output.print(`created: ${new Date(createdMs).toISOString()}`);
  output.print(`members: ${members}`);
  if (kind === 'container') output.print(`collections in it: ${collections}`);
  output.print(`objects in it: ${objects} (${formatBytesRoughly(bytes)})`);
  if (deletedObjects > 0) output.print(`deleted objects in it: ${deletedObjects}`);
  output.print(`is in: ${parents.map(shown).join(', ') || 'no container'}`);
}

async function listMembers(cli: Invocation, collections: Collections, name: string): Promise<ExitCode> {
  for await (const member of collections.members(name)) {
    const { scope, name: of, kind, size, isDeleted } = member;
    const object = formatObjectName({ scope, name: of });
    if (cli.globals.json === true)
      cli.output.printJsonLine({ [kind === 'object' ? 'object' : 'collection']: object, kind, size, isDeleted });
    else cli.output.print(escapeKey(object));
    if (cli.output.isClosed) break;
  }
  return EXIT.done;
}

async function add(cli: Invocation, kind: CollectionKind, { name, members }: Named, options: MemberOptions) {
  const collections = await open(cli, kind, options);
  const changed = await collections.add(name, membersOf(members, options));
  return report(cli, collections.fullName(name), changed, { done: 'added', otherwise: 'in it already' });
}

async function remove(cli: Invocation, kind: CollectionKind, { name, members }: Named, options: MemberOptions) {
  const collections = await open(cli, kind, options);
  const changed = await collections.remove(name, membersOf(members, options));
  return report(cli, collections.fullName(name), changed, { done: 'taken out', otherwise: 'not in it' });
}

function report(
  cli: Invocation,
  collection: string,
  { changed, unchanged }: MembersChanged,
  words: { readonly done: string; readonly otherwise: string },
): ExitCode {
  if (cli.globals.json === true) cli.output.printJson({ collection, changed, unchanged });
  else {
    const rest = unchanged === 0 ? '' : `, ${unchanged} ${words.otherwise}`;
    cli.output.note(`${escapeKey(collection)}: ${changed} ${words.done}${rest}`);
  }
  return EXIT.done;
}

async function setOpen(
  cli: Invocation,
  { kind, name, options }: OnOne<NameOptions>,
  isOpen: boolean,
): Promise<ExitCode> {
  const collections = await open(cli, kind, options);
  const isChanged = isOpen ? await collections.open(name) : await collections.close(name);
  const collection = collections.fullName(name);
  if (cli.globals.json === true) cli.output.printJson({ collection, isOpen, isChanged });
  else
    cli.output.note(
      `${escapeKey(collection)}: ${isChanged ? '' : 'was '}${isOpen ? 'open' : 'closed'}${isChanged ? '' : ' already'}`,
    );
  return EXIT.done;
}

function toJson({ scope, name, kind, isOpen, isMonotonic, members, createdMs }: CollectionRecord) {
  const collection = formatObjectName({ scope, name });
  return { collection, kind, isOpen, isMonotonic, members, created: new Date(createdMs).toISOString() };
}

function shown(name: ObjectName): string {
  return escapeKey(formatObjectName(name));
}

function describeState({ isOpen, isMonotonic }: CollectionRecord): string {
  return `${isOpen ? 'open' : 'closed'}${isMonotonic ? ', monotonic' : ''}`;
}

function describeMember({ kind, size, isDeleted }: MemberRecord): string {
  if (kind !== 'object') return kind;
  return isDeleted ? 'deleted' : formatBytesRoughly(size ?? 0);
}
