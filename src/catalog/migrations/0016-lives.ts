import type { EngineDdl } from '../engine.ts';

/** What tells a catalog from an older copy of it, and versions that lost against others. */
export function siteLives({ int, text, table, clustered }: EngineDdl): readonly string[] {
  return [
    `alter table site add column life ${text}`,
    `alter table peer add column life ${text}`,
    `create table former_actor (actor ${int} primary key, counter ${int} not null) ${table}`,
    `alter table sibling add column found_ms ${int} not null default 0`,
    `create table ended_conflict (object ${int} not null, version ${int} not null, ended_ms ${int} not null,
       primary key (object, version)) ${clustered}`,
    'create index ended_conflict_since on ended_conflict (ended_ms)',
  ];
}
