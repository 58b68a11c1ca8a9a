import { findNearestWord } from '../domain/nearest-word.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { RuleTarget } from '../domain/rule/rule.ts';
import type { Catalog } from '../ports/catalog.ts';
import { findNearest } from './nearest-names.ts';
import { type DefaultScope, isPattern, parseName, parseNamePattern } from './object-names.ts';
import { RuleError } from './rule-error.ts';

type TargetCatalog = Pick<
  Catalog,
  'readObject' | 'readCollection' | 'listStandingRules' | 'scanScope' | 'listCollections'
>;

/**
 * What a rule is to be about: `scope:name` of an object, a dataset or a container, or `scope:pattern`. Fails with a `RuleError`
 * where there is none, and with a `ConfigurationError` where the text is no name. A name that is both is the collection's.
 */
export async function findRuleTarget(
  catalog: TargetCatalog,
  written: string,
  scope: DefaultScope,
): Promise<RuleTarget> {
  if (isPattern(written) || written.endsWith(':')) {
    const wanted = parseNamePattern(written.endsWith(':') ? `${written}**` : written, scope);
    return { kind: 'pattern', scope: wanted.scope, pattern: wanted.written.slice(wanted.written.indexOf(':') + 1) };
  }
  const name = parseName(written, scope);
  if ((await catalog.readCollection(name)) !== undefined) return { kind: 'collection', ...name };
  const row = await catalog.readObject(name.scope, name.name);
  if (row?.current.content.kind === 'object') return { kind: 'object', ...name };
  throw await noSuchTarget(catalog, name);
}

export async function noSuchTarget(catalog: TargetCatalog, name: ObjectName): Promise<RuleError> {
  const message = `there is neither an object nor a collection ${formatObjectName(name)}`;
  const nearest =
    (await findNearest(catalog, name, 'object')) ??
    (await findNearest(catalog, name, undefined)) ??
    (await nearestScope(catalog, name));
  const known = 'pando object ls and pando dataset ls show what there is';
  const remedy =
    nearest === undefined
      ? `${known}; what lies at the source of a profile ${name.scope}, where there is one, is known after pando sync ${name.scope}:`
      : `did you mean ${nearest}?`;
  return new RuleError('not-found', message, remedy);
}

async function nearestScope(catalog: TargetCatalog, { scope, name }: ObjectName): Promise<string | undefined> {
  const standing = await catalog.listStandingRules();
  const others = [...new Set(standing.map((one) => one.scope))].filter((one) => one !== scope);
  const nearest = findNearestWord(scope, others);
  return nearest === undefined ? undefined : formatObjectName({ scope: nearest, name });
}

export function describeTarget(target: RuleTarget): string {
  return formatObjectName({ scope: target.scope, name: target.kind === 'pattern' ? target.pattern : target.name });
}
