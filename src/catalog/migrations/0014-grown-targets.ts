import type { EngineDdl } from '../engine.ts';

/** How many objects the refused runs of a scope have added at a target since it was last in line with it: deletes are not held against these. */
export function grownTargets({ int, text, clustered }: EngineDdl): readonly string[] {
  return [
    `create table grown_target (target ${text} not null, scope ${text} not null, objects ${int} not null,
       primary key (target, scope)) ${clustered}`,
  ];
}
