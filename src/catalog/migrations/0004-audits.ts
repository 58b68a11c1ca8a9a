import type { EngineDdl } from '../engine.ts';

/** Audits of stores, and what they found (docs/catalog.md, "What is in it"). */
export function auditTables(ddl: EngineDdl): readonly string[] {
  const { int, text, id, table, clustered } = ddl;
  return [
    `create table audit (store ${id}, token ${int} not null, state ${text} not null, checksums ${int} not null,
       position ${text}, listed ${int} not null, counts ${text} not null, started_ms ${int} not null,
       updated_ms ${int} not null) ${table}`,
    `create table audit_finding (store ${int} not null, key ${text} not null, kind ${text} not null, object ${text}, claim ${text},
       recorded_token ${text}, token ${text}, bytes ${int} not null, detail ${text} not null,
       primary key (store, key, kind)) ${clustered}`,
  ];
}
