import { compareKeys } from '../object/key.ts';
import type { GroupRest, Grouping, ObjectFacts } from './placement-facts.ts';

/** Objects that have their copies at the same stores. */
export interface ObjectGroup {
  /** `all`, `dataset SCOPE:NAME` or `object SCOPE:NAME`. */
  readonly key: string;
  /** In the order of their names' bytes. */
  readonly objects: readonly ObjectFacts[];
  readonly rest: GroupRest | undefined;
}

/** The groups in the order of their keys' bytes. An object of no dataset is a group by itself. */
export function groupObjects(
  objects: readonly ObjectFacts[],
  grouping: Grouping,
  rest: ReadonlyMap<string, GroupRest> | undefined,
): ObjectGroup[] {
  const groups = Map.groupBy(objects, (object) => groupKey(object, grouping));
  return [...groups]
    .map(([key, members]) => ({
      key,
      objects: members.toSorted((a, b) => compareKeys(a.object, b.object)),
      rest: rest?.get(key),
    }))
    .sort((a, b) => compareKeys(a.key, b.key));
}

/** The key under which a group's `rest` is given, and with which its draw is made. */
export function groupKey(object: Pick<ObjectFacts, 'object' | 'dataset'>, grouping: Grouping): string {
  if (grouping === 'all') return 'all';
  return grouping === 'none' || object.dataset === undefined ? `object ${object.object}` : `dataset ${object.dataset}`;
}

export function groupBytes({ objects, rest }: ObjectGroup): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, rest?.bytes ?? 0);
}
