import type { EngineDdl } from '../engine.ts';

/** Sites that follow this one and what waits for them, and versions that did not see each other. */
export function siteTables({ int, text, bytes, id, autoId, table, clustered }: EngineDdl): readonly string[] {
  return [
    // Nothing was ever written to them: there was no way to have a peer.
    'drop table journal',
    'drop table peer',
    `alter table slot add column position ${int} not null default 0`,
    `alter table object add column siblings ${int} not null default 0`,
    `create table peer (id ${autoId}, name ${text} not null unique, site ${text}, url ${text}, direction ${text} not null,
       mode ${text} not null, scopes ${text}, state ${text} not null, last_error ${text}, created_ms ${int} not null,
       acknowledged ${int} not null, acknowledged_ms ${int}, owner ${text}, until_ms ${int} not null, token ${int} not null,
       presents ${text}, accepts ${text}, ticket ${text}, resync ${int} not null) ${table}`,
    `alter table site add column secret ${text}`,
    `create table journal (slot ${int} not null, position ${int} not null, kind ${int} not null, actor ${int} not null,
       counter ${int} not null, scope ${int} not null, object ${int} not null, version ${int} not null,
       operation ${bytes} not null, at_ms ${int} not null, collection ${int}, member ${int}, detail ${text}, addressed ${text} not null,
       primary key (slot, position)) ${clustered}`,
    'create index journal_version on journal (version)',
    `create table outbox (peer ${int} not null, slot ${int} not null, position ${int} not null, state ${int} not null,
       attempts ${int} not null, due_ms ${int} not null, error ${text}, primary key (peer, slot, position)) ${clustered}`,
    'create index outbox_entry on outbox (slot, position)',
    'create index outbox_handed on outbox (peer, slot, position) where state = 1',
    `create table wanted_bytes (change ${text} not null primary key, source ${text} not null, scope ${text} not null, name ${text} not null,
       entry ${text} not null, bytes ${int} not null, created_ms ${int} not null, due_ms ${int} not null, attempts ${int} not null,
       token ${int} not null, owner ${text}, error ${text}) ${table}`,
    'create index wanted_bytes_due on wanted_bytes (due_ms)',
    'create index wanted_bytes_object on wanted_bytes (scope, name)',
    `create table purge (actor ${int} not null, counter ${int} not null, scope ${int} not null, seen ${text} not null,
       time_ms ${int} not null, time_n ${int} not null, origin ${text}, operation ${bytes} not null, at_ms ${int} not null,
       primary key (actor, counter)) ${clustered}`,
    'create index purge_of_scope on purge (scope)',
    `create table purge_open (scope ${id}, position ${text} not null) ${table}`,
    `create table sibling (object ${int} not null, version ${int} not null, primary key (object, version)) ${clustered}`,
  ];
}
