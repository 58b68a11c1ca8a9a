import type { EngineDdl } from '../engine.ts';

/** How many objects runs have added at a target since it was last in line with its source: deletes are not held against these. */
export function grownTargets({ int }: EngineDdl): readonly string[] {
  return [`alter table sync_target add column grown ${int} not null default 0`];
}
