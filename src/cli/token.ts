import { isOfPeer, RIGHTS, type Right } from '../domain/access/right.ts';
import { addToken, listTokens, removeToken } from '../client/tokens.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { rights as parseRights, scopes as parseScopes } from './option-values.ts';
import { renderTable } from './table.ts';

interface CreateOptions {
  readonly rights: readonly Right[];
  readonly scope?: readonly string[];
}

export const token: CommandModule = {
  declare(command, act) {
    command
      .command('create')
      .description('make a token for clients of pando server; it is printed once and kept nowhere')
      .argument('<name>', 'what logs and refusals call it')
      .requiredOption('--rights <rights>', `what it is for: ${RIGHTS.join(',')}`, parseRights)
      .option('--scope <scope>', 'only in this scope; more than once, in each of these', parseScopes)
      .action(act<[string], CreateOptions>((cli, [name], options) => create(cli, name, options)));
    command
      .command('ls')
      .description('list tokens and what they are for')
      .action(act((cli) => list(cli)));
    command
      .command('revoke')
      .description('take a token back: a server refuses it a second later')
      .argument('<name>')
      .action(act<[string]>((cli, [name]) => revoke(cli, name)));
  },
};

async function create(cli: Invocation, name: string, { rights, scope }: CreateOptions): Promise<ExitCode> {
  const secret = await addToken(await cli.pando(), { name, rights, scopes: scope });
  if (secret === undefined) {
    cli.output.complain(`there is a token ${name} already: pando token revoke ${name}, or choose another name`);
    return EXIT.refused;
  }
  if (cli.globals.json === true) cli.output.printJson({ name, rights, scopes: scope, token: secret });
  else {
    cli.output.print(secret);
    cli.output.note('keep it: it is not shown again');
  }
  await tellOfFirst(cli, { name, rights, scope });
  return EXIT.done;
}

/** Who used the server without a token is shut out by the first one. */
async function tellOfFirst(
  cli: Invocation,
  {
    name,
    rights,
    scope,
  }: { readonly name: string; readonly rights: readonly Right[]; readonly scope: readonly string[] | undefined },
): Promise<void> {
  const tokens = await listTokens(await cli.pando());
  if (isOfPeer({ rights }) || !tokens.every((one) => one.name === name || isOfPeer(one))) return;
  cli.output.note('it is the first: from now on every request to pando server needs a token');
  if (rights.includes('admin') && scope === undefined) return;
  cli.output.note(
    'none has the right admin for all scopes, so nobody can administer over HTTP; commands on the machine of ' +
      'the server still can: pando token create NAME --rights admin',
  );
}

async function list(cli: Invocation): Promise<ExitCode> {
  const tokens = await listTokens(await cli.pando());
  if (cli.globals.json === true) cli.output.printJson(tokens);
  else if (tokens.length === 0) cli.output.print('no tokens');
  else {
    const rows = tokens.map(({ name, rights, scopes, createdMs }) => [
      name,
      rights.join(','),
      scopes?.join(',') ?? 'all',
      new Date(createdMs).toISOString(),
    ]);
    cli.output.print(
      await renderTable(['token', 'rights', 'scopes', 'since'], rows, ['token', 'rights', 'scopes', 'since']),
    );
  }
  return EXIT.done;
}

async function revoke(cli: Invocation, name: string): Promise<ExitCode> {
  if (!(await removeToken(await cli.pando(), name))) {
    cli.output.complain(`there is no token ${name}: pando token ls shows what there is`);
    return EXIT.notFound;
  }
  if (cli.globals.json === true) cli.output.printJson({ name, revoked: true });
  else cli.output.print(`${name} is revoked`);
  return EXIT.done;
}
