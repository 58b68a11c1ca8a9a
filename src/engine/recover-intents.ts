import type { Catalog } from '../ports/catalog.ts';
import { isAbandoned, type LockPorts } from './object-lock.ts';
import type { ObjectScope } from './opened-scope.ts';
import { settleIntent } from './settle-intent.ts';

export interface RecoverPorts extends LockPorts {
  readonly catalog: LockPorts['catalog'] & Pick<Catalog, 'listIntents'>;
}

export interface Recovered {
  readonly carriedForward: number;
  readonly forgotten: number;
  /** Their store could not be asked, or their holder may live. */
  readonly open: number;
}

/** Settles the writes that dead processes left behind in these scopes. Safe at any time, also twice at once. */
export async function recoverIntents(ports: RecoverPorts, scopes: readonly ObjectScope[]): Promise<Recovered> {
  const recovered = { carriedForward: 0, forgotten: 0, open: 0 };
  for (const intent of await ports.catalog.listIntents()) {
    const scope = scopes.find(({ name }) => name === intent.scope);
    if (scope === undefined) continue;
    const settled = isAbandoned(ports, intent) ? (await settleIntent(ports, scope, intent)).kind : 'open';
    if (settled === 'carried-forward') recovered.carriedForward++;
    else if (settled === 'forgotten') recovered.forgotten++;
    else recovered.open++;
  }
  return recovered;
}
