import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { Verification } from '../../domain/store/verification.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { ScanPage } from '../../ports/catalog-scan.ts';

/** Rows of the catalog asked for at once: about the size of a listing's page, so that neither waits for the other. */
const PAGE_ROWS = 2048;

export interface KnownReplica {
  readonly versionId: number;
  /** Empty where none is known, as no listing tells one. */
  readonly token: string;
  readonly hasToken: boolean;
  readonly state: ReplicaState;
  /** Undefined where `levels` were not asked for. */
  readonly verification: Verification | undefined;
}

/** What the catalog knows of one object: a row of a column-wise page, looked up as it is asked for. */
export class KnownObject {
  readonly versionId: number;
  readonly isTombstone: boolean;
  /** Undefined where it is not known, or `details` were not asked for. */
  readonly sha256: string | undefined;
  readonly #page: ScanPage;
  readonly #at: number;

  constructor(page: ScanPage, at: number, sha256: string | undefined = page.sha256s[at] ?? undefined) {
    this.#page = page;
    this.#at = at;
    this.versionId = page.versionIds[at] as number;
    this.isTombstone = page.tombstones[at] as boolean;
    this.sha256 = sha256;
  }

  /** By index of the stores asked for: source first, then the targets. */
  replica(store: number): KnownReplica | undefined {
    const columns = this.#page.replicas[store];
    const versionId = columns?.versionIds[this.#at];
    if (columns === undefined || versionId === null || versionId === undefined) return undefined;
    const token = columns.tokens[this.#at] ?? '';
    const state = columns.states[this.#at] as ReplicaState;
    return {
      versionId,
      token,
      hasToken: token !== '',
      state,
      verification: columns.verifications?.[this.#at] ?? undefined,
    };
  }

  /** Whether this store is recorded to hold the current version under this token, served or about to be. */
  holdsCurrent(store: number, token: string): boolean {
    const columns = this.#page.replicas[store];
    if (columns === undefined || columns.tokens[this.#at] !== token) return false;
    const state = columns.states[this.#at];
    return columns.versionIds[this.#at] === this.versionId && (state === 'AVAILABLE' || state === 'UNVERIFIED');
  }

  /** The same, with its hash learnt since. */
  withHash(sha256: string): KnownObject {
    return new KnownObject(this.#page, this.#at, sha256);
  }
}

export interface KnownQuery {
  readonly scope: string;
  readonly prefix: string;
  /** Places: the source's, then the targets'. */
  readonly stores: readonly string[];
  /** Hashes too. */
  readonly details: boolean;
  /** Levels of verification too. */
  readonly levels?: boolean;
  /** Only names after this one. */
  readonly startAfter: string | undefined;
}

/** Of a whole page that was listed: names, and for each store asked for tokens, each joined by NUL. */
export interface ListedAlike {
  /** All names up to this one were visited before; undefined: nothing was. */
  readonly after: string | undefined;
  readonly names: string;
  readonly tokens: readonly string[];
}

/** The catalog's objects of a scope in byte order, one page ahead of the merge. */
export class KnownCursor {
  readonly #catalog: Pick<Catalog, 'scanScope' | 'areRecorded'>;
  readonly #query: KnownQuery;
  #page: ScanPage | undefined;
  #ahead: Promise<ScanPage> | undefined;
  /** Pages are asked for from here on; undefined: they are under way. */
  #from: { readonly after: string | undefined } | undefined;
  #at = 0;
  #done = false;

  constructor(catalog: Pick<Catalog, 'scanScope' | 'areRecorded'>, query: KnownQuery) {
    this.#catalog = catalog;
    this.#query = query;
    this.#from = { after: query.startAfter };
  }

  get key(): string | undefined {
    return this.#page?.names[this.#at];
  }

  get isEmpty(): boolean {
    return this.key === undefined && !this.#done;
  }

  advance(): void {
    this.#at++;
  }

  async fill(): Promise<void> {
    while (this.isEmpty) {
      if (this.#from !== undefined) {
        this.#ahead = this.#ask(this.#from.after);
        this.#from = undefined;
      }
      if (this.#ahead === undefined) {
        this.#done = true;
        return;
      }
      this.#page = await this.#ahead;
      this.#at = 0;
      this.#ahead = this.#page.next === undefined ? undefined : this.#ask(this.#page.next);
    }
  }

  take(): KnownObject {
    return new KnownObject(this.#page as ScanPage, this.#at);
  }

  /** Whether up to the last of these names the catalog has these and no others, each as it is listed; `passTo` then goes on after them. */
  areRecorded({ after = this.#query.startAfter, names, tokens }: ListedAlike): Promise<boolean> {
    const { scope, prefix, stores } = this.#query;
    return this.#catalog.areRecorded({
      scope,
      prefix,
      stores,
      names,
      tokens,
      ...(after === undefined ? {} : { after }),
    });
  }

  passTo(name: string): void {
    this.#page = undefined;
    this.#ahead = undefined;
    this.#at = 0;
    this.#done = false;
    this.#from = { after: name };
  }

  async close(): Promise<void> {
    this.#done = true;
    this.#from = undefined;
    await this.#ahead?.catch(() => undefined);
  }

  #ask(after: string | undefined): Promise<ScanPage> {
    const { scope, prefix, stores, details, levels = false } = this.#query;
    const page = this.#catalog.scanScope({
      scope,
      prefix,
      stores,
      limit: PAGE_ROWS,
      deleted: true,
      details,
      levels,
      ...(after === undefined ? {} : { after }),
    });
    page.catch(() => undefined);
    return page;
  }
}
