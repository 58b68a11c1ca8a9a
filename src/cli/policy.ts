import type { CheckedNode } from '../client/check-policy.ts';
import type { Policies } from '../client/policies.ts';
import { describeAcceptance } from '../config/show-traits.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { ReplicationPolicy } from '../domain/rule/replication-policy.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { counted, describeNext } from './describe-time.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { type AccountOptions, actorOf, declareAccount } from './open-rules.ts';
import { readSaidAcceptance, readSaidPolicy } from './said-policy.ts';
import { renderTable } from './table.ts';

export const policy: CommandModule = {
  declare(command, act) {
    declareAccount(
      declareScope(
        command.command('set').description('say how many copies an object has besides the authoritative one'),
      ),
    )
      .argument('<object>', 'scope:name')
      .argument('<file>', 'the policy, YAML or XML; - is stdin')
      .action(
        act<[string, string], NameOptions & AccountOptions>((cli, [object, file], options) =>
          setPolicy(cli, { object, file, options }),
        ),
      );
    declareScope(command.command('show').description("an object's policy, and what has become of it"))
      .argument('<object>', 'scope:name')
      .action(act<[string], NameOptions>((cli, [object], options) => showPolicy(cli, object, options)));
    command
      .command('check')
      .description('read a policy, YAML or XML, and say what it means on the stores that are configured')
      .argument('<file>', "an object's policy; with --store, what a store accepts; - is stdin")
      .option('--store', 'the file says what a store accepts')
      .action(
        act<[string], { readonly store?: boolean }>((cli, [file], options) =>
          options.store === true ? checkStore(cli, file) : checkObject(cli, file),
        ),
      );
  },
};

async function open(cli: Invocation, options: NameOptions & AccountOptions): Promise<Policies> {
  const { Policies: Opened } = await import('../client/policies.ts');
  const pando = await cli.pando();
  const actor = await actorOf(cli, options);
  return new Opened(pando, { catalog: await pando.catalog(), scope: scopeOf(options), actor });
}

async function setPolicy(
  cli: Invocation,
  {
    object,
    file,
    options,
  }: { readonly object: string; readonly file: string; readonly options: NameOptions & AccountOptions },
): Promise<ExitCode> {
  const { policy: said, copies, preferred, blocked, candidates } = await readSaidPolicy(cli, file);
  const rule = await (await open(cli, options)).set(object, said);
  warnOfUnknown(cli, [...preferred, ...blocked]);
  if (candidates.length < copies)
    cli.output.complain(`${copies} asked for, and no more than ${candidates.length} can be made now`);
  if (cli.globals.json === true) cli.output.printJson({ object, policy: said, rule });
  else if (rule === undefined) cli.output.note(`${escapeKey(object)}: no copies besides the authoritative one`);
  else {
    cli.output.print(`${escapeKey(object)}: ${counted(copies, 'copy', 'copies')}, by rule ${rule}`);
    cli.output.note('  pando worker carries it out');
  }
  return EXIT.done;
}

async function showPolicy(cli: Invocation, object: string, options: NameOptions): Promise<ExitCode> {
  const details = await (await open(cli, options)).show(object);
  const { policy: said, rule, missing, nextLookMs, authoritative, copies } = details;
  if (cli.globals.json === true) {
    cli.output.printJson(details);
    return EXIT.done;
  }
  const nowMs = (await cli.pando()).clock.nowMs();
  cli.output.print(`object         ${escapeKey(details.object)}`);
  cli.output.print(`policy         ${describePolicy(said, rule?.origin)}`);
  cli.output.print(`authoritative  ${authoritative ?? 'nowhere'}`);
  if (rule !== undefined) cli.output.print(`carried out    by rule ${rule.id}, ${rule.state}`);
  if (missing !== undefined) cli.output.print(`missing        ${missing}`);
  if (nextLookMs !== undefined) cli.output.print(`next look      ${describeNext(nextLookMs, nowMs)}`);
  if (copies.length === 0) return EXIT.done;
  cli.output.print();
  const rows = copies.map(({ store, status, why }) => [
    store,
    status,
    store === authoritative ? 'authoritative' : (why ?? ''),
  ]);
  cli.output.print(await renderTable(['copy at', 'status', ''], rows, ['copy at', 'status', '']));
  return EXIT.done;
}

function describePolicy(said: ReplicationPolicy | undefined, origin: string | undefined): string {
  if (said === undefined) return origin === 'default-policy' ? 'the default policy: 2 copies' : 'none of its own';
  const { replicationAllowed, numberReplicas, preferredNodes, blockedNodes } = said;
  if (!replicationAllowed || numberReplicas === 0) return 'no copies';
  const parts = [
    counted(numberReplicas, 'copy', 'copies'),
    ...(preferredNodes.length > 0 ? [`preferred ${preferredNodes.join(', ')}`] : []),
    ...(blockedNodes.length > 0 ? [`blocked ${blockedNodes.join(', ')}`] : []),
  ];
  return parts.join('; ');
}

async function checkObject(cli: Invocation, file: string): Promise<ExitCode> {
  const checked = await readSaidPolicy(cli, file);
  const { copies, preferred, blocked, candidates } = checked;
  warnOfUnknown(cli, [...preferred, ...blocked]);
  if (cli.globals.json === true) {
    cli.output.printJson(checked);
    return EXIT.done;
  }
  cli.output.print(`copies      ${copies === 0 ? 'none' : `${copies}, besides the authoritative one`}`);
  cli.output.print(`preferred   ${describeNodes(preferred)}`);
  cli.output.print(`blocked     ${describeNodes(blocked)}`);
  cli.output.print(
    `candidates  ${candidates.join(', ') || 'none: no store volunteers (accepts: { replicate: true })'}`,
  );
  if (candidates.length < copies)
    cli.output.complain(`${copies} asked for, and no more than ${candidates.length} can be made now`);
  return EXIT.done;
}

async function checkStore(cli: Invocation, file: string): Promise<ExitCode> {
  const { policy: acceptance, allowed } = await readSaidAcceptance(cli, file);
  warnOfUnknown(cli, allowed);
  const said = describeAcceptance(acceptance);
  if (cli.globals.json === true) cli.output.printJson({ accepts: said, allowed });
  else {
    const { yamlBlock } = await import('../config/yaml-text.ts');
    // As it stands in a profile.
    cli.output.print(yamlBlock({ accepts: said }).trimEnd());
  }
  return EXIT.done;
}

function warnOfUnknown(cli: Invocation, nodes: readonly CheckedNode[]): void {
  for (const { node, stores } of nodes)
    if (stores.length === 0) cli.output.complain(`${node}: no store, alias or site is called so`);
}

function describeNodes(nodes: readonly CheckedNode[]): string {
  const named = nodes.map(({ node, stores }) => (stores.length === 0 ? node : `${node} (${stores.join(', ')})`));
  return named.join(', ') || 'none';
}
