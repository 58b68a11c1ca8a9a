import type { EngineDdl } from '../engine.ts';

/** Rules whose missing copies would have a place if there was more room: they are looked at again when some is freed. */
export function ruleRoom({ int }: EngineDdl): readonly string[] {
  return [
    `alter table rule add column missing_room ${int}`,
    `alter table rule add column turn_room ${int}`,
    'create index rule_short_of_room on rule (look_ms) where missing_room = 1',
  ];
}
