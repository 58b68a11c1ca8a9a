import { hash } from 'node:crypto';
import type { ObjectName } from '../domain/object/object-name.ts';
import { namesOfPath } from '../domain/store/paths/names-of-path.ts';
import { makePathAlgorithms } from '../domain/store/paths/path-algorithms.ts';

/** No key has a control character, so no place begins with it. */
const MARK = '\u0001';

/** Names of algorithms are kept in the catalog: none may go, or mean another path. */
const COMPUTED = ['hash', 'identity', 'rucio-hash', 'naming'] as const;

const algorithms = makePathAlgorithms((text) => hash('md5', text));

/** A place as `replica.place` has it: null where it is the object's name, and the algorithm's name where one computes it. */
export function encodePlace(object: ObjectName, place: string): string | null {
  if (place === object.name) return null;
  const algorithm = COMPUTED.find((name) => pathOf(name, object) === place);
  return algorithm === undefined ? place : `${MARK}${algorithm}`;
}

/** Objects of these scopes that have this place by an algorithm of Pando, whatever their store says now, with the code it has then. */
export function computedOwners(
  place: string,
  scopes: Pick<ReadonlyMap<string, unknown>, 'has'>,
): { readonly object: ObjectName; readonly code: string }[] {
  return namesOfPath(place, undefined)
    .filter(({ scope }) => scopes.has(scope))
    .flatMap((object) =>
      COMPUTED.filter((name) => pathOf(name, object) === place).map((name) => ({ object, code: `${MARK}${name}` })),
    );
}

export function decodePlace(object: ObjectName, code: string | null): string {
  if (code === null) return object.name;
  if (!code.startsWith(MARK)) return code;
  const place = pathOf(code.slice(MARK.length), object);
  if (place === undefined) throw new TypeError(`not a place of ${object.scope}:${object.name}: ${code.slice(1)}`);
  return place;
}

function pathOf(algorithm: string, object: ObjectName): string | undefined {
  const outcome = algorithms.get(algorithm)?.pathOf(object);
  return outcome !== undefined && 'path' in outcome ? outcome.path : undefined;
}
