import type { Configuration } from '../config/configuration.ts';
import { RuleError } from './rule-error.ts';

/** Who asks (docs/rules.md, "Who may"). */
export interface Actor {
  readonly account: string;
  readonly isAdministrator: boolean;
}

/**
 * There is no login: the account is that of the operating system. Speaking for another one is for administrators. Fails with a
 * `RuleError`.
 */
export function findActor(
  {
    configuration: { administrators = [] },
    user,
  }: {
    readonly configuration: Pick<Configuration, 'administrators'>;
    /** As the operating system tells it. */
    readonly user: { readonly name: string; readonly isRoot: boolean };
  },
  account?: string,
): Actor {
  const isAdministrator = user.isRoot || administrators.includes(user.name);
  if (account === undefined || account === user.name) return { account: user.name, isAdministrator };
  if (isAdministrator) return { account, isAdministrator };
  throw new RuleError('refused', `${user.name} may not speak for ${account}`, HOW_TO_BECOME_ONE);
}

export function demandAdministrator({ account, isAdministrator }: Actor, what: string): void {
  if (isAdministrator) return;
  throw new RuleError('refused', `${account} may not ${what}: administrators may`, HOW_TO_BECOME_ONE);
}

/** What is somebody's is changed by them or by an administrator. */
export function demandOwner(actor: Actor, owner: string, what: string): void {
  if (actor.account === owner || actor.isAdministrator) return;
  throw new RuleError(
    'refused',
    `${actor.account} may not ${what}: ${owner} or an administrator may`,
    HOW_TO_BECOME_ONE,
  );
}

const HOW_TO_BECOME_ONE = 'administrators are root, and whom the configuration lists under "administrators:"';
