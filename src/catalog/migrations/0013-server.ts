import type { EngineDdl } from '../engine.ts';

/** What is served over HTTP: the hash that clients know objects by, and who may ask for them. */
export function serverTables({ int, text, bytes, table }: EngineDdl): readonly string[] {
  return [
    `alter table version add column md5 ${bytes}`,
    `create table token (name ${text} primary key, hash ${bytes} not null unique, rights ${text} not null, scopes ${text},
       created_ms ${int} not null) ${table}`,
  ];
}
