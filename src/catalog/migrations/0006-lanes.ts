import type { EngineDdl } from '../engine.ts';

/**
 * Where limits or shares hold, what is due is sorted into lanes before it is claimed, and leaves the queue that is walked by priority: so
 * what waits for a limit is in nobody's way.
 */
export function laneTables({ int, text, autoId, table, clustered }: EngineDdl): readonly string[] {
  return [
    `create table lane (id ${autoId}, store ${int} not null, source ${int} not null, activity ${text} not null,
       priority ${int} not null, unique (store, source, activity, priority)) ${table}`,
    `create table share_turn (activity ${text} not null primary key, ahead ${int} not null) ${clustered}`,
    `alter table request add column lane ${int}`,
    'drop index request_due',
    'create index request_due on request (priority, due_ms, id) where due_ms is not null and lane is null',
    'create index request_lane on request (lane, due_ms, id) where due_ms is not null and lane is not null',
    'create index request_in_hand on request (store, source) where lane is not null and owner is not null',
  ];
}
