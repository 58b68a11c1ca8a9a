import type { Command } from 'commander';
import { type Actor, findActor } from '../client/actor.ts';
import type { Rules } from '../client/rules.ts';
import { type NameOptions, scopeOf } from './catalog-names.ts';
import type { Invocation } from './invocation.ts';

/** Who asks, as it is told on a command line. */
export interface AccountOptions {
  readonly account?: string;
}

export function declareAccount(command: Command): Command {
  return command.option('--account <account>', 'speak for this one; of another than yours for administrators');
}

export async function actorOf(cli: Invocation, { account }: AccountOptions): Promise<Actor> {
  return findActor(await cli.pando(), account);
}

export async function openRules(cli: Invocation, options: NameOptions & AccountOptions = {}): Promise<Rules> {
  const { Rules: Opened } = await import('../client/rules.ts');
  const pando = await cli.pando();
  return new Opened({
    catalog: await pando.catalog(),
    configuration: await cli.configuration(),
    actor: await actorOf(cli, options),
    scope: scopeOf(options),
    nowMs: () => pando.clock.nowMs(),
  });
}
