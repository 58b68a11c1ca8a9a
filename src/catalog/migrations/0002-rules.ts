import type { EngineDdl } from '../engine.ts';

/** Collections, rules with their locks, and what transfers need (docs/catalog.md, "What is in it"). */
export function ruleTables(ddl: EngineDdl): readonly string[] {
  const { int, text, id, autoId, table, clustered } = ddl;
  const holder = `host ${text} not null, pid ${int} not null, process_started_ms ${int} not null`;
  return [
    // A profile's replicas are a standing rule; `rule` is what somebody orders for objects.
    'alter table rule rename to standing_rule',

    // Locks, members and traits know objects by number.
    'create unique index object_id on object (id)',
    `create table object_trait (object ${id}, format ${text}, rights_holder ${text}, authority ${int}) ${table}`,

    `create table collection (id ${autoId}, scope ${int} not null, name ${text} not null, kind ${int} not null,
       is_open ${int} not null, monotonic ${int} not null, actor ${int} not null, counter ${int} not null,
       created_ms ${int} not null, unique (scope, name)) ${table}`,
    // Entries of collections: of which one, and of a container's member which collection; `detail` is JSON.
    `alter table journal add column collection ${int}`,
    `alter table journal add column member ${int}`,
    `alter table journal add column detail ${text}`,
    `create table dataset_object (dataset ${int} not null, object ${int} not null, actor ${int} not null,
       counter ${int} not null, primary key (dataset, object)) ${clustered}`,
    'create index dataset_of_object on dataset_object (object, dataset)',
    `create table container_collection (container ${int} not null, collection ${int} not null, actor ${int} not null,
       counter ${int} not null, primary key (container, collection)) ${clustered}`,
    'create index container_of_collection on container_collection (collection, container)',

    // `same`: what makes another rule a duplicate of it. `turn_` and `missing`: of the turn under way, and of the last one that was done.
    `create table rule (id ${autoId}, same ${text} not null, origin ${text} not null, account ${text} not null, copies ${int} not null,
       expression ${text} not null, source_expression ${text}, grouping ${text} not null, weight ${text},
       domain_attribute ${text}, activity ${text} not null, priority ${int} not null, locked ${int} not null,
       purge ${int} not null, ignore_availability ${int} not null, besides_authoritative ${int} not null,
       by_policy ${int} not null, preferred ${text}, blocked ${text}, comment ${text}, notify ${text},
       expires_ms ${int}, replaces ${int}, state ${text} not null, flag ${int} not null, position ${text},
       ok ${int} not null, replicating ${int} not null, stuck ${int} not null, missing ${int} not null,
       missing_why ${text}, turn_missing ${int} not null, turn_why ${text}, times_stuck ${int} not null,
       told ${int} not null, created_ms ${int} not null, updated_ms ${int} not null, look_ms ${int}, ended_ms ${int},
       due_ms ${int}, token ${int} not null, owner ${text}) ${table}`,
    'create unique index rule_same on rule (same) where ended_ms is null',
    'create index rule_due on rule (due_ms, id) where due_ms is not null',
    `create table rule_target (rule ${int} not null, kind ${int} not null, target ${int} not null, scope ${int} not null,
       pattern ${text} not null, primary key (rule, kind, target, scope, pattern)) ${clustered}`,
    'create index rule_of_target on rule_target (kind, target, scope, rule)',

    `create table lock (object ${int} not null, store ${int} not null, rule ${int} not null, state ${int} not null,
       stuck_ms ${int} not null, since_ms ${int}, retry_ms ${int}, reason ${text}, detail ${text},
       primary key (object, store, rule)) ${clustered}`,
    'create index lock_of_rule on lock (rule, object, store)',
    'create index lock_retry on lock (retry_ms) where retry_ms is not null',
    'create index lock_stuck on lock (rule, object, store) where state = 2',

    // Words of `placed`: codes.ts.
    `alter table replica add column placed ${int}`,
    `alter table replica add column used_ms ${int}`,
    'create index replica_released on replica (store, placed, used_ms) where used_ms is not null',

    `alter table request add column object ${int}`,
    `alter table request add column bytes ${int}`,
    `alter table request add column activity ${text}`,
    `alter table request add column source_expression ${text}`,
    `alter table request add column source ${int}`,
    `alter table request add column protocol ${text}`,
    `alter table request add column tool ${text}`,
    `alter table request add column external_id ${text}`,
    `alter table request add column times_stuck ${int}`,
    `alter table request add column asked_token ${int}`,
    'create unique index request_external on request (tool, external_id) where external_id is not null',
    `create table attempt (request ${int} not null, number ${int} not null, at_ms ${int} not null, source ${int},
       protocol ${text}, outcome ${text} not null, at ${text}, error_kind ${text}, error ${text},
       primary key (request, number)) ${clustered}`,

    // Pages of bulk syncs that workers carry out. `settles_ms`: until then those of a run that was taken over may publish.
    `alter table sync add column settles_ms ${int}`,
    `create table page_job (id ${text} not null primary key, scope ${text} not null, stores ${text} not null, sync ${text},
       sync_token ${int} not null, ${holder}, lease_ms ${int} not null, until_ms ${int} not null, stopped ${int} not null,
       created_ms ${int} not null) ${table}`,
    'create index page_job_sync on page_job (sync)',
    `create table page (job ${text} not null, number ${int} not null, kind ${text} not null, text ${text} not null,
       token ${int} not null, claims ${int} not null, owner ${text}, until_ms ${int} not null, moved ${int} not null,
       outcomes ${text}, primary key (job, number)) ${table}`,

    `create table store_space (store ${id}, used ${int} not null, reserved ${int} not null,
       leaving ${int} not null, pending ${int} not null, allocated ${int}) ${table}`,
    `create table store_setting (store ${id}, said ${text} not null, updated_ms ${int} not null) ${table}`,
    `create table quota (account ${text} not null, expression ${text} not null, bytes ${int} not null,
       primary key (account, expression)) ${clustered}`,
    `create table account_use (account ${text} not null, store ${int} not null, bytes ${int} not null, locks ${int} not null,
       primary key (account, store)) ${clustered}`,
    `create table route_result (source ${int} not null, target ${int} not null, hour ${int} not null,
       succeeded ${int} not null, failed ${int} not null, bytes ${int} not null, busy_ms ${int} not null,
       primary key (source, target, hour)) ${clustered}`,
  ];
}
