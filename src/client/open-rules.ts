import { Pando } from '../compose.ts';
import { loadConfiguration } from '../config/load.ts';
import { describeOwner } from '../domain/transfer/claim-owner.ts';
import type { AuditResult } from '../engine/audit/audit-types.ts';
import type { ReplicaExplained } from '../engine/explain/explanation.ts';
import type { ResolvedObject } from '../engine/explain/resolve-object.ts';
import { type AuditAsked, auditStores } from './audit-stores.ts';
import type { OwnTransferTool } from '../open-transfer-tools.ts';
import { findActor } from './actor.ts';
import { findDefaultScope } from './default-scope.ts';
import { explain, type Explanation, resolve } from './explain.ts';
import { checkScope } from './object-names.ts';
import { Policies } from './policies.ts';
import { Quotas } from './quotas.ts';
import { Plans } from './plans.ts';
import { type Declared, declareBad, listReplicas } from './replicas.ts';
import { Requests } from './requests.ts';
import { Rules } from './rules.ts';
import { Stores } from './stores.ts';

export interface OpenRules {
  /** The configuration file; by default the one that is found (docs/configuration.md). */
  readonly path?: string;
  /** Of names that say none; by default `user.<account>`. */
  readonly scope?: string;
  /** Whom to speak for (docs/rules.md, "Who may"); by default the operating system's user. */
  readonly account?: string;
  /** Of the program: asked before those that are configured. They stay open when this is closed. */
  readonly transferTools?: readonly OwnTransferTool[];
}

export interface WorkOptions {
  readonly signal?: AbortSignal;
  /** Copies are made in so many processes of their own, and not in threads; the first call decides. */
  readonly workerProcesses?: number;
}

/** Rules, policies and quotas of a catalog, and what can be asked about them (docs/library.md). Closing it closes the catalog. */
export interface OpenedRules extends AsyncDisposable {
  readonly rules: Rules;
  readonly policies: Policies;
  readonly quotas: Quotas;
  readonly stores: Stores;
  readonly requests: Requests;
  readonly plans: Plans;
  /** Why an object (`scope:name`) or a rule (its number) is as it is. */
  explain(what: string): Promise<Explanation>;
  /** Where an object can be had, best first. */
  resolve(object: string): Promise<ResolvedObject>;
  /** Copies of an object, and what each is there for. */
  replicas(object: string): Promise<readonly ReplicaExplained[]>;
  /** Compares stores with the catalog (docs/audit.md); without names all that mirror nothing. */
  audit(stores?: readonly string[], request?: Omit<AuditAsked, 'stores'>): Promise<AuditResult>;
  /** Says that copies at a store are bad. */
  declareBad(store: string, objects: readonly string[]): Promise<readonly Declared[]>;
  /** Carries rules out until nothing is due, or until the signal is aborted. What `pando worker` does beside it stays with that. */
  work(options?: WorkOptions): Promise<void>;
}

/** Throws a `ConfigurationError` with everything that is wrong with the configuration, a `RuleError` where the account may not be spoken for. */
export async function openRules({ path, scope, account, transferTools }: OpenRules = {}): Promise<OpenedRules> {
  const defaultScope = scope === undefined ? findDefaultScope() : checkScope(scope);
  const pando = new Pando(loadConfiguration({ config: path }), {}, transferTools);
  try {
    const actor = findActor(pando, account);
    const catalog = await pando.catalog();
    const { configuration, processes } = pando;
    const place = { catalog, configuration, actor, scope: defaultScope };
    return {
      rules: new Rules({ ...place, nowMs: () => pando.clock.nowMs() }),
      policies: new Policies(pando, place),
      quotas: new Quotas(place),
      explain: (what) => explain(pando, what, defaultScope),
      stores: new Stores(pando),
      requests: new Requests(pando),
      plans: new Plans(pando, place),
      resolve: (object) => resolve(pando, object, defaultScope),
      replicas: (object) => listReplicas(pando, object, defaultScope),
      audit: (stores = [], request = {}) => auditStores(pando, { stores, ...request }),
      async declareBad(store, objects) {
        return await Array.fromAsync(declareBad(pando, { store, objects, scope: defaultScope, actor }));
      },
      async work({ signal, workerProcesses } = {}) {
        await pando.endDeadClaims();
        const exceptScopes = Object.keys(configuration.profiles);
        const stop = signal === undefined ? {} : { signal };
        const args = { owner: describeOwner(processes.self), until: 'idle' as const, exceptScopes, ...stop };
        await pando.keepRules(args, { workerProcesses });
      },
      [Symbol.asyncDispose]: () => pando[Symbol.asyncDispose](),
    };
  } catch (error) {
    await pando[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}
