import type { EngineDdl } from '../engine.ts';

/** The tables of the first catalog (docs/catalog.md, "What is in it"). */
export function baseTables(ddl: EngineDdl): readonly string[] {
  const { int, text, bytes, id, autoId, table, clustered } = ddl;
  const holder = `host ${text} not null, pid ${int} not null, process_started_ms ${int} not null`;
  return [
    ...ddl.idSequence,

    // Who writes here: the site, its slots, and what it has considered.
    `create table site (one ${id} check (one = 1), id ${text} not null, created_ms ${int} not null) ${table}`,
    `create table actor (id ${autoId}, incarnation ${text} not null unique) ${table}`,
    `create table slot (number ${id}, actor ${int} not null unique, counter ${int} not null,
       hybrid_ms ${int} not null, hybrid_n ${int} not null, holder ${text} not null, until_ms ${int} not null) ${table}`,
    `create table considered (actor ${id}, counter ${int} not null) ${table}`,
    `create table considered_exception (actor ${int} not null, counter ${int} not null, primary key (actor, counter)) ${clustered}`,
    `create table peer (id ${text} not null primary key, created_ms ${int} not null) ${table}`,
    `create table journal (slot ${int} not null, counter ${int} not null, kind ${int} not null, object ${int} not null,
       version ${int} not null, operation ${bytes} not null, primary key (slot, counter)) ${clustered}`,

    // What the namespace is.
    `create table store (id ${autoId}, place ${text} not null unique, title ${text} not null, created_ms ${int} not null) ${table}`,
    `create table scope (id ${autoId}, name ${text} not null unique, title ${text} not null, source ${int} not null,
       created_ms ${int} not null) ${table}`,
    `create table object (scope ${int} not null, name ${text} not null, id ${int} not null, current ${int} not null,
       kind ${int} not null, primary key (scope, name)) ${clustered}`,
    `create table version (id ${id}, object ${int} not null, kind ${int} not null, superseded ${int} not null,
       actor ${int} not null, counter ${int} not null, context ${text}, time_ms ${int} not null, time_n ${int} not null,
       origin ${text}, size ${int} not null, sha256 ${bytes}, content_type ${text}, metadata ${text},
       modified_ns ${int}, mode ${int}, operation ${bytes} not null) ${table}`,
    'create index version_superseded on version (object, id) where superseded = 1',

    // Where the copies are, and which are wanted.
    `create table replica (object ${int} not null, store ${int} not null, version ${int} not null, state ${int} not null,
       verification ${int} not null, place ${text}, token ${text}, unflushed ${int},
       primary key (object, store, version)) ${clustered}`,
    `create table unflushed (id ${autoId}, store ${int} not null, boot ${text} not null, sealed ${int} not null) ${table}`,
    `create table rule (id ${autoId}, origin ${text} not null, scope ${int} not null, store ${int} not null,
       priority ${int} not null, created_ms ${int} not null, ended_ms ${int}, unique (origin, scope, store)) ${table}`,

    // Work that is queued or under way.
    `create table request (id ${autoId}, kind ${text} not null, scope ${int} not null, name ${text} not null,
       version ${int} not null, store ${int} not null, reason ${text} not null, priority ${int} not null,
       state ${text} not null, attempts ${int} not null, last_error ${text}, created_ms ${int} not null,
       due_ms ${int}, updated_ms ${int} not null, token ${int} not null, owner ${text},
       unique (version, store, kind)) ${table}`,
    'create index request_due on request (priority, due_ms, id) where due_ms is not null',
    `create table sync (number ${autoId}, id ${text} not null unique, scope ${text} not null, prefix ${text} not null,
       source ${text} not null, targets ${text} not null, state ${text} not null, token ${int} not null,
       until_ms ${int} not null, ${holder}, started_ms ${int} not null, updated_ms ${int} not null,
       position ${text} not null, objects ${int} not null, bytes ${int} not null) ${table}`,
    `create table sync_target (target ${text} not null primary key, token ${int} not null, sync ${text} not null) ${table}`,
    `create table intent (operation ${text} not null primary key, scope ${text} not null, name ${text} not null,
       store ${text} not null, key ${text} not null, old_token ${text}, follows ${int}, content ${text} not null,
       ${holder}, created_ms ${int} not null, unique (store, key)) ${table}`,
    `create table operation (id ${text} not null primary key, fingerprint ${text} not null, outcome ${text} not null,
       created_ms ${int} not null) ${table}`,
    'create index operation_created on operation (created_ms)',
    `create table event (id ${autoId}, at_ms ${int} not null, kind ${text} not null, scope ${text} not null, name ${text},
       store ${text}, detail ${text} not null) ${table}`,
  ];
}
