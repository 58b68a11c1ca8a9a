import type { Pando } from '../compose.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import type { DeclaredBad } from '../engine/explain/declare-bad.ts';
import type { ReplicaExplained } from '../engine/explain/explanation.ts';
import { type Actor, demandAdministrator } from './actor.ts';
import { explain } from './explain.ts';
import { findStore } from './list-stores.ts';
import { type DefaultScope, parseName } from './object-names.ts';
import { RuleError } from './rule-error.ts';

/** The copies of one object, and whom they are there for. Fails as `explain` does. */
export async function listReplicas(
  pando: Pando,
  object: string,
  scope: DefaultScope,
): Promise<readonly ReplicaExplained[]> {
  // A name may be a number, which alone would be a rule.
  const explanation = await explain(pando, formatObjectName(parseName(object, scope)), scope);
  return explanation.kind === 'object' ? explanation.replicas : [];
}

export interface Declared {
  readonly object: string;
  readonly outcome: Extract<DeclaredBad['kind'], 'declared' | 'unchanged'>;
  /** It was the last copy that could be good. */
  readonly isLost: boolean;
}

/**
 * Somebody knows that these copies at a store are bad (docs/states.md, "Lost objects"). Fails with a `RuleError` at the first object
 * of which there is none; those before it are declared.
 */
export async function* declareBad(
  pando: Pando,
  given: {
    readonly store: string;
    readonly objects: readonly string[];
    readonly scope: DefaultScope;
    readonly actor: Actor;
  },
): AsyncGenerator<Declared> {
  const { store, objects, scope, actor } = given;
  demandAdministrator(actor, 'declare copies bad');
  const { name: title, place } = findStore(pando.configuration, store);
  const names = objects.map((object) => parseName(object, scope));
  const desk = await pando.ruleDesk();
  for (const name of names) {
    const object = formatObjectName(name);
    const declared = await desk.declareBad(name, { store: place, title });
    if (declared.kind === 'no-replica')
      throw new RuleError(
        'not-found',
        `${title} has no copy of ${object}`,
        `pando replica ls ${object} shows where it is`,
      );
    if (declared.kind === 'refused')
      throw new RuleError(
        'refused',
        `the copy of ${object} at ${title}: ${declared.why}`,
        `pando explain ${object} tells how it stands`,
      );
    yield { object, outcome: declared.kind, isLost: declared.isLost };
  }
}
