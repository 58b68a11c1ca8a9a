import type { EngineDdl } from '../engine.ts';

/** How many messages of each site were taken, and what each peer said of that: a catalog that says less than before is an older copy. */
export function peerReceipts({ int, text, table }: EngineDdl): readonly string[] {
  return [
    `create table receipt (site ${text} primary key, taken ${int} not null) ${table}`,
    `alter table peer add column receipt ${int}`,
  ];
}
