import type { EngineDdl } from '../engine.ts';

/** Stores that do not answer, since when, and what became of their copies for it. */
export function storeAbsences({ int, id, table }: EngineDdl): readonly string[] {
  return [
    `create table store_absence (store ${id}, since_ms ${int} not null, told_ms ${int} not null, answered_ms ${int},
       marked ${int} not null, token ${int} not null, turn ${int}, turn_ms ${int}) ${table}`,
  ];
}
