import { checkAcceptancePolicy, type CheckedNode, checkReplicationPolicy } from '../client/check-policy.ts';
import { describeAcceptance } from '../config/show-traits.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';

export const policy: CommandModule = {
  declare(command, act) {
    command
      .command('check')
      .description('read a policy, YAML or XML, and say what it means on the stores that are configured')
      .argument('<file>', "an object's policy; with --store, what a store accepts")
      .option('--store', 'the file says what a store accepts')
      .action(
        act<[string], { readonly store?: boolean }>((cli, [file], options) =>
          options.store === true ? checkStore(cli, file) : checkObject(cli, file),
        ),
      );
  },
};

async function checkObject(cli: Invocation, file: string): Promise<ExitCode> {
  const checked = checkReplicationPolicy(await cli.configuration(), file);
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
  const { policy: acceptance, allowed } = checkAcceptancePolicy(await cli.configuration(), file);
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
