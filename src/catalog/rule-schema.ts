import type { Generated } from 'kysely';

/** The tables of collections and rules as Kysely sees them (docs/catalog.md). */
export interface RuleSchema {
  object_trait: {
    object: number;
    format: string | null;
    rights_holder: string | null;
    authority: number | null;
    /** JSON; null: nobody said any. */
    policy: string | null;
  };
  collection: {
    id: Generated<number>;
    scope: number;
    name: string;
    /** As in `collections/collection-codes.ts`. */
    kind: number;
    is_open: number;
    monotonic: number;
    /** With `counter`: the dot of what was last said of it. */
    actor: number;
    counter: number;
    created_ms: number;
  };
  /** Each membership with the dot of the attach that made it. */
  dataset_object: { dataset: number; object: number; actor: number; counter: number };
  container_collection: { container: number; collection: number; actor: number; counter: number };
  rule: RuleTable;
  /** `kind` 1: `target` is an object; 2: a collection; 3: 0, and `pattern` says which names of `scope`. */
  rule_target: { rule: number; kind: number; target: number; scope: number; pattern: string };
  lock: {
    object: number;
    store: number;
    rule: number;
    state: number;
    /** Of earlier turns. */
    stuck_ms: number;
    /** Since when it is stuck, and the rest of that: null unless it is. */
    since_ms: number | null;
    retry_ms: number | null;
    reason: string | null;
    detail: string | null;
  };
  attempt: {
    request: number;
    number: number;
    at_ms: number;
    source: number | null;
    protocol: string | null;
    outcome: string;
    at: string | null;
    error_kind: string | null;
    error: string | null;
  };
  /**
   * Bytes of copies that rules and uploads placed: `used` are there, of which `leaving` are being deleted; `reserved` on their
   * way, for which `pending` copies are under way.
   */
  store_space: {
    store: number;
    used: number;
    reserved: number;
    leaving: number;
    pending: number;
    allocated: number | null;
  };
  store_setting: { store: number; said: string; updated_ms: number };
  /**
   * Stores that do not answer, as somebody said last at `told_ms`. `answered_ms`: not null, somebody else got an answer then, and it is not
   * away. `marked`: 0, their copies are what they were; 1, some are `UNAVAILABLE`; 2, all are. `turn`: somebody goes
   * through them, 1 to mark them, 2 because the store is back, and said so last at `turn_ms`.
   */
  store_absence: {
    store: number;
    since_ms: number;
    told_ms: number;
    answered_ms: number | null;
    marked: number;
    token: number;
    turn: number | null;
    turn_ms: number | null;
  };
  quota: { account: string; expression: string; bytes: number };
  account_use: { account: string; store: number; bytes: number; locks: number };
  route_result: {
    source: number;
    target: number;
    hour: number;
    succeeded: number;
    failed: number;
    bytes: number;
    busy_ms: number;
  };
}

export interface RuleTable {
  id: Generated<number>;
  /** What makes another rule a duplicate of this one. */
  same: string;
  origin: string;
  account: string;
  copies: number;
  expression: string;
  source_expression: string | null;
  grouping: string;
  weight: string | null;
  domain_attribute: string | null;
  activity: string;
  priority: number;
  locked: number;
  purge: number;
  ignore_availability: number;
  besides_authoritative: number;
  by_policy: number;
  /** JSON of names; null: none. */
  preferred: string | null;
  blocked: string | null;
  comment: string | null;
  notify: string | null;
  expires_ms: number | null;
  replaces: number | null;
  state: string;
  /** Of `INJECT`: 1, it is applied once more; of `SUSPENDED`: 1, it was applied. */
  flag: number;
  /** Where the page after next begins, while it is applied. */
  position: string | null;
  ok: number;
  replicating: number;
  stuck: number;
  missing: number;
  missing_why: string | null;
  /** 1: with more room some of them would have a place. */
  missing_room: number | null;
  /** Of the turn under way; they become `missing` when it is done. */
  turn_missing: number;
  turn_why: string | null;
  turn_room: number | null;
  times_stuck: number;
  /** Tenths that were told of as events; 10: that it is `OK`. */
  told: number;
  created_ms: number;
  updated_ms: number;
  /** When placement is tried again for copies that have no place. */
  look_ms: number | null;
  /** Its locks are to go; then it goes too. */
  ended_ms: number | null;
  /** When it is looked at next, or the end of its lease; null: never by itself. */
  due_ms: number | null;
  token: number;
  owner: string | null;
}
