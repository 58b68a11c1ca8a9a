import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SiteContext } from '../../src/domain/journal/site-context.ts';
import { idOf, type VersionFact } from './facts.ts';

type Row = Record<string, unknown>;

/** A line of a site's outbox. */
export interface Queued {
  readonly peer: string;
  readonly place: string;
  readonly state: number;
}

export interface ViewedPeer {
  readonly name: string;
  readonly isComparing: boolean;
  /** Others were to tell it of something, and it was not compared since. */
  readonly isPassedOver: boolean;
  readonly life: string | null;
}

/** A catalog as an onlooker reads it: the rows themselves, through a connection of his own, past all of the product's code. */
export class CatalogView {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #actors = new Map<number, string>();
  #versionsSeen = 0;
  #commit: unknown;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Whether anything was committed since this was asked last. */
  hasChanged(): boolean {
    const commit = this.#all('pragma data_version')[0]?.['data_version'];
    if (commit === this.#commit) return false;
    this.#commit = commit;
    return true;
  }

  siteId(): string {
    return String(this.#all('select id from site')[0]?.['id']);
  }

  /** Those written since this was asked last, by their numbers here. */
  newVersions(siteId: string): ReadonlyMap<number, VersionFact> {
    const rows = this.#all(
      `select v.id, s.name as scope, o.name, v.actor, v.counter, v.context, v.time_ms, v.time_n, v.origin,
         lower(hex(v.operation)) as operation, v.kind, v.size, lower(hex(v.sha256)) as sha256
       from version v join object o on o.id = v.object join scope s on s.id = o.scope where v.id > ? order by v.id`,
      this.#versionsSeen,
    );
    const found = new Map<number, VersionFact>();
    for (const row of rows) {
      this.#versionsSeen = Number(row['id']);
      found.set(this.#versionsSeen, this.#toFact(row, siteId));
    }
    return found;
  }

  /** By `scope/name` the numbers of its versions: that which is served, then its siblings. */
  objects(): ReadonlyMap<string, readonly number[]> {
    const objects = new Map<string, number[]>();
    const byId = new Map<unknown, number[]>();
    for (const row of this.#all(
      'select s.name as scope, o.name, o.id, o.current from object o join scope s on s.id = o.scope',
    )) {
      const versions = [Number(row['current'])];
      objects.set(`${String(row['scope'])}/${String(row['name'])}`, versions);
      byId.set(row['id'], versions);
    }
    for (const row of this.#all('select object, version from sibling order by version'))
      byId.get(row['object'])?.push(Number(row['version']));
    return objects;
  }

  considered(): SiteContext {
    const context: Record<string, { upTo: number; beyond: number[] }> = {};
    for (const row of this.#all('select actor, counter from considered'))
      context[this.#actor(row['actor'])] = { upTo: Number(row['counter']), beyond: [] };
    for (const row of this.#all('select actor, counter from considered_exception order by counter'))
      context[this.#actor(row['actor'])]?.beyond.push(Number(row['counter']));
    return context;
  }

  outbox(): readonly Queued[] {
    return this.#all('select p.name, x.slot, x.position, x.state from outbox x join peer p on p.id = x.peer').map(
      (row) => ({
        peer: String(row['name']),
        place: `${String(row['slot'])}:${String(row['position'])}`,
        state: Number(row['state']),
      }),
    );
  }

  fetches(): readonly { readonly change: string; readonly error: string }[] {
    return this.#all('select change, error from wanted_bytes').map((row) => ({
      change: String(row['change']),
      error: (row['error'] as string | null) ?? 'nobody has tried',
    }));
  }

  journalLines(): number {
    return Number(this.#all('select count(*) as lines from journal')[0]?.['lines']);
  }

  acknowledged(): ReadonlyMap<string, number> {
    const rows = this.#all('select name, acknowledged from peer');
    return new Map(rows.map((row) => [String(row['name']), Number(row['acknowledged'])]));
  }

  /** Entries that were given up for a comparison, ever. */
  givenUp(): number {
    return Number(this.#all('select sum(given_up) as entries from peer')[0]?.['entries'] ?? 0);
  }

  /** Of all copies there are: the version's number and where its bytes lie. */
  places(): readonly { readonly version: number; readonly place: string }[] {
    return this.#all('select version, place from replica where place is not null').map((row) => ({
      version: Number(row['version']),
      place: String(row['place']),
    }));
  }

  /** Of each peer: whether it is to be compared, and in which life it was met last. */
  peers(): readonly ViewedPeer[] {
    return this.#all("select name, resync, passed_over_ms, life from peer where direction <> 'receive'").map((row) => ({
      name: String(row['name']),
      isComparing: Number(row['resync']) !== 0,
      isPassedOver: row['passed_over_ms'] !== null,
      life: row['life'] as string | null,
    }));
  }

  life(): string | null {
    return (this.#all('select life from site')[0]?.['life'] as string | null | undefined) ?? null;
  }

  copy<T>(make: (database: DatabaseSync) => T): T {
    return make(this.#database);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #toFact(row: Row, siteId: string): VersionFact {
    const actor = this.#actor(row['actor']);
    const counter = Number(row['counter']);
    const context = JSON.parse((row['context'] as string | null) ?? '{}') as Record<string, number>;
    return {
      id: idOf({ actor, counter }),
      actor,
      counter,
      object: `${String(row['scope'])}/${String(row['name'])}`,
      context: Object.fromEntries(
        Object.entries(context).map(([number, counter]) => [this.#actor(Number(number)), counter]),
      ),
      ms: Number(row['time_ms']),
      n: Number(row['time_n']),
      origin: (row['origin'] as string | null) ?? siteId,
      operation: String(row['operation']),
      isTombstone: row['kind'] === 1,
      size: Number(row['size']),
      sha256: typeof row['sha256'] === 'string' && row['sha256'] !== '' ? row['sha256'] : undefined,
    };
  }

  #actor(number: unknown): string {
    const known = this.#actors.get(Number(number));
    if (known !== undefined) return known;
    for (const row of this.#all('select id, incarnation from actor'))
      this.#actors.set(Number(row['id']), String(row['incarnation']));
    return this.#actors.get(Number(number)) ?? `an actor nobody knows: ${String(number)}`;
  }

  #all(text: string, ...values: number[]): Row[] {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement.all(...values);
  }
}
