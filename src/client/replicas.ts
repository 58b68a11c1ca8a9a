import type { Pando } from '../compose.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { DeclaredBad } from '../engine/explain/declare-bad.ts';
import type { ReplicaExplained } from '../engine/explain/explanation.ts';
import { type Actor, demandAdministrator } from './actor.ts';
import { explain } from './explain.ts';
import { findStore } from './list-stores.ts';
import { type DefaultScope, isPattern, type NamesWanted, parseName, parseNamePattern } from './object-names.ts';
import { RuleError } from './rule-error.ts';
import { walkObjects } from './walk-catalog.ts';

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
 * Somebody knows that these copies at a store are bad (docs/states.md, "Lost objects"). `objects`: names, and patterns, which mean the
 * copies that are there. Fails with a `RuleError` at the first name of which there is none, or the first pattern that matches none;
 * those before it are declared.
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
  // What cannot be a name is told before anything is declared.
  const wanted = objects.map((written) =>
    isPattern(written) ? parseNamePattern(written, scope) : parseName(written, scope),
  );
  const desk = await pando.ruleDesk();
  const declare = async (name: ObjectName): Promise<Declared | undefined> => {
    const object = formatObjectName(name);
    const declared = await desk.declareBad(name, { store: place, title });
    if (declared.kind === 'no-replica') return undefined;
    if (declared.kind === 'refused')
      throw new RuleError(
        'refused',
        `the copy of ${object} at ${title}: ${declared.why}`,
        `pando explain ${object} tells how it stands`,
      );
    return { object, outcome: declared.kind, isLost: declared.isLost };
  };
  const catalog = await pando.catalog();
  for (const one of wanted) {
    if ('matches' in one) yield* declareAll(walkObjects(catalog, one), one, { title, declare });
    else {
      const declared = await declare(one);
      const object = formatObjectName(one);
      if (declared === undefined)
        throw new RuleError(
          'not-found',
          `${title} has no copy of ${object}`,
          `pando replica ls ${object} shows where it is`,
        );
      yield declared;
    }
  }
}

/** What is meant by a pattern: of what is not there, nothing is bad. */
async function* declareAll(
  objects: AsyncIterable<ObjectName>,
  { matches, written }: NamesWanted,
  at: { readonly title: string; readonly declare: (name: ObjectName) => Promise<Declared | undefined> },
): AsyncGenerator<Declared> {
  let isAny = false;
  for await (const { scope, name } of objects) {
    const declared = matches(name) ? await at.declare({ scope, name }) : undefined;
    if (declared === undefined) continue;
    isAny = true;
    yield declared;
  }
  if (!isAny)
    throw new RuleError(
      'not-found',
      `${at.title} has no copy of anything that ${JSON.stringify(written)} matches`,
      'pando object ls SCOPE lists what there is',
    );
}
