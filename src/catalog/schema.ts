import type { Generated } from 'kysely';
import type { RuleSchema } from './rule-schema.ts';

/** The catalog's tables as Kysely sees them; `migrations/` makes them, docs/catalog.md says what they mean. */
export interface Schema extends RuleSchema {
  site: {
    one: number;
    id: string;
    created_ms: number;
    secret: Generated<string | null>;
    life: Generated<string | null>;
  };
  actor: { id: Generated<number>; incarnation: string };
  slot: {
    number: number;
    actor: number;
    counter: number;
    hybrid_ms: number;
    hybrid_n: number;
    holder: string;
    until_ms: number;
    /** Of the last entry of the journal. */
    position: number;
  };
  /** Actors that slots had before; `counter`: the last that was given out here. */
  former_actor: { actor: number; counter: number };
  considered: { actor: number; counter: number };
  considered_exception: { actor: number; counter: number };
  peer: PeerTable;
  receipt: ReceiptTable;
  token: TokenTable;
  journal: JournalTable;
  outbox: OutboxTable;
  wanted_bytes: FetchTable;
  /** `seen`: JSON of incarnations, as between sites. */
  purge: {
    actor: number;
    counter: number;
    scope: number;
    seen: string;
    time_ms: number;
    time_n: number;
    origin: string | null;
    operation: Uint8Array;
    at_ms: number;
  };
  /** Scopes whose purged objects are not all gone yet; `position`: the last name that was looked at. */
  purge_open: { scope: number; position: string };
  /** Versions beside an object's current one that did not see it. */
  sibling: { object: number; version: number; found_ms: Generated<number> };
  /** Versions that were beside another one, and are no more. */
  ended_conflict: { object: number; version: number; ended_ms: number };
  scope: { id: Generated<number>; name: string; title: string; source: number; created_ms: number };
  store: { id: Generated<number>; place: string; title: string; created_ms: number };
  /** `siblings`: how many rows of `sibling` it has. */
  object: { scope: number; name: string; id: number; current: number; kind: number; siblings: Generated<number> };
  version: VersionTable;
  /** `place` null: the object's name, as on every store that mirrors it. */
  replica: {
    object: number;
    store: number;
    version: number;
    state: number;
    verification: number;
    place: string | null;
    token: string | null;
    /** The row of `unflushed` it was written under; null, or of a row that is gone: it is durable. */
    unflushed: number | null;
    /** Whose it is: codes.ts. */
    placed: number | null;
    /** Of a released one: last read, or released; null otherwise. */
    used_ms: number | null;
  };
  /**
   * What one start of a machine (`boot`) wrote to a store and did not flush. A flush that passed ends all of it by deleting the
   * row, whatever the number of copies. `sealed`: a flush is under way, new copies go under another row.
   */
  unflushed: { id: Generated<number>; store: number; boot: string; sealed: number };
  standing_rule: {
    id: Generated<number>;
    origin: string;
    scope: number;
    store: number;
    priority: number;
    created_ms: number;
    ended_ms: number | null;
  };
  audit: {
    store: number;
    token: number;
    state: string;
    checksums: number;
    position: string | null;
    /** 1: the store was listed to its end. */
    listed: number;
    /** JSON of counts. */
    counts: string;
    started_ms: number;
    updated_ms: number;
  };
  audit_finding: {
    store: number;
    key: string;
    kind: string;
    /** JSON: scope, name, version. */
    object: string | null;
    claim: string | null;
    recorded_token: string | null;
    token: string | null;
    bytes: number;
    detail: string;
  };
  request: RequestTable;
  sync: SyncTable;
  /** A job's `until_ms` counts only where it stands on no sync. */
  page_job: HolderColumns & {
    id: string;
    scope: string;
    /** JSON. */
    stores: string;
    sync: string | null;
    sync_token: number;
    lease_ms: number;
    until_ms: number;
    stopped: number;
    created_ms: number;
  };
  /** `until_ms`: the end of its lease, 0 where nobody holds it. `outcomes`: it was answered. */
  page: {
    job: string;
    number: number;
    kind: string;
    text: string;
    token: number;
    claims: number;
    owner: string | null;
    until_ms: number;
    moved: number;
    outcomes: string | null;
  };
  sync_target: { target: string; token: number; sync: string };
  /** How many objects the refused runs of a scope have added there since it was last in line with it; no row: none. */
  grown_target: { target: string; scope: string; objects: number };
  intent: IntentTable;
  operation: { id: string; fingerprint: string; outcome: string; created_ms: number };
  event: {
    id: Generated<number>;
    at_ms: number;
    kind: string;
    scope: string;
    name: string | null;
    store: string | null;
    detail: string;
  };
}

interface ReceiptTable {
  site: string;
  taken: number;
}

interface PeerTable {
  id: Generated<number>;
  name: string;
  /** Null until it was heard of. */
  site: string | null;
  url: string | null;
  direction: string;
  mode: string;
  /** JSON; null: all. */
  scopes: string | null;
  state: string;
  last_error: string | null;
  created_ms: number;
  acknowledged: number;
  acknowledged_ms: number | null;
  /** Who sends to it, and until when nobody else does. */
  owner: string | null;
  until_ms: number;
  token: number;
  /** What this site shows it. */
  presents: string | null;
  /** Hash of what it has to show this site. */
  accepts: string | null;
  /** What it gave this site to fetch bytes with. */
  ticket: string | null;
  /** `IN_LINE`, `TO_COMPARE` or `GIVEN_UP`. */
  resync: number;
  /** How often its queue was given up, in pages; since when; and entries ever. */
  marks: Generated<number>;
  marked_ms: number | null;
  given_up: Generated<number>;
  /** Null: it is not parked. */
  parked_ms: number | null;
  /** 1: it was told that it has been away for too long. */
  alarmed: Generated<number>;
  /** As it said when it was heard of last; null: it never said. */
  life: Generated<string | null>;
  receipt: Generated<number | null>;
  /** Since when it was not told of what another site was to tell it, and not compared; null: of nothing. */
  passed_over_ms: Generated<number | null>;
}

interface JournalTable {
  slot: number;
  position: number;
  /** As of versions, or PUT_COLLECTION, ATTACH, DETACH, PURGE_SCOPE. */
  kind: number;
  actor: number;
  counter: number;
  scope: number;
  /** 0: no object is concerned. */
  object: number;
  version: number;
  operation: Uint8Array;
  at_ms: number;
  collection: number | null;
  /** The collection that is attached to a container, or detached. */
  member: number | null;
  /** JSON: of PUT_COLLECTION whether it is open, of DETACH the dot of the attach that is undone. */
  detail: string | null;
  /** JSON: ids of sites. */
  addressed: string;
}

interface OutboxTable {
  peer: number;
  slot: number;
  position: number;
  /** codes.ts. */
  state: number;
  attempts: number;
  /** When it may be offered; of one that was handed over, again. */
  due_ms: number;
  error: string | null;
}

interface FetchTable {
  /** `actor:counter`. */
  change: string;
  /** Id of the site that told of it. */
  source: string;
  scope: string;
  name: string;
  /** JSON, as between sites. */
  entry: string;
  bytes: number;
  created_ms: number;
  /** When it may be claimed: the next attempt, or the end of its lease. */
  due_ms: number;
  attempts: number;
  token: number;
  owner: string | null;
  error: string | null;
}

interface TokenTable {
  name: string;
  /** sha256 of the token. */
  hash: Uint8Array;
  /** JSON. */
  rights: string;
  /** JSON; null: all. */
  scopes: string | null;
  created_ms: number;
}

interface VersionTable {
  id: number;
  object: number;
  kind: number;
  /** 1: another version of the object came after it. */
  superseded: number;
  actor: number;
  counter: number;
  /** JSON of actor ids and counters; null: it follows nothing. */
  context: string | null;
  time_ms: number;
  time_n: number;
  /** Null: this site. */
  origin: string | null;
  size: number;
  sha256: Uint8Array | null;
  content_type: string | null;
  metadata: string | null;
  /** Beyond the safe integers: read as text. */
  modified_ns: bigint | null;
  mode: number | null;
  md5: Uint8Array | null;
  operation: Uint8Array;
}

interface RequestTable {
  id: Generated<number>;
  kind: string;
  scope: number;
  name: string;
  version: number;
  store: number;
  reason: string;
  priority: number;
  state: string;
  attempts: number;
  last_error: string | null;
  created_ms: number;
  /** When it may be claimed: the next attempt, or the end of its lease; null: never. */
  due_ms: number | null;
  updated_ms: number;
  token: number;
  owner: string | null;
  /** The following are of copies that rules ask for. */
  object: number | null;
  bytes: number | null;
  activity: string | null;
  source_expression: string | null;
  /** From where and how it is copied now, or was last. */
  source: number | null;
  protocol: string | null;
  tool: string | null;
  external_id: string | null;
  times_stuck: number | null;
  /** Its token when it was asked for, or asked again: attempts up to it are of an earlier turn. */
  asked_token: number | null;
  /** Where limits or shares hold; null: not sorted yet, or nothing to be sorted. */
  lane: number | null;
}

export interface HolderColumns {
  host: string;
  pid: number;
  process_started_ms: number;
}

interface SyncTable extends HolderColumns {
  id: string;
  number: Generated<number>;
  scope: string;
  prefix: string;
  source: string;
  targets: string;
  state: string;
  token: number;
  until_ms: number;
  started_ms: number;
  updated_ms: number;
  settles_ms: number | null;
  position: string;
  objects: number;
  bytes: number;
  purpose: string;
}

interface IntentTable extends HolderColumns {
  operation: string;
  scope: string;
  name: string;
  store: string;
  key: string;
  old_token: string | null;
  follows: number | null;
  content: string;
  created_ms: number;
}
