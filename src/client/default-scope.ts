import { userInfo } from 'node:os';
import { defaultScope } from '../domain/object/scope.ts';

/** The scope of names that say none: of the account of the operating system. Undefined where its name cannot be part of one. */
export function findDefaultScope(): string | undefined {
  let account: string;
  try {
    account = userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return undefined;
  }
  const scope = defaultScope(account);
  return 'value' in scope ? scope.value : undefined;
}
