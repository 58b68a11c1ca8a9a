import {
  type CollectionKind,
  type CollectionProblem,
  collectionProblem,
  showName,
} from '../domain/collection/collection.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import type { Catalog } from '../ports/catalog.ts';
import type {
  CollectionOutcome,
  CollectionRecord,
  CollectionSum,
  MemberRecord,
  NewMember,
} from '../ports/collections.ts';
import { CollectionError } from './collection-error.ts';
import { type FindIn, findMembersNamed, type MembersNamed } from './find-members-named.ts';
import { suggestNames } from './nearest-names.ts';
import { checkScope, type DefaultScope, parseName } from './object-names.ts';
import { walkCollections, walkMembers } from './walk-catalog.ts';

/** A collection with what is in it and what it is in. */
export interface CollectionDetails extends CollectionRecord {
  readonly content: CollectionSum;
  /** Directly. */
  readonly parents: readonly CollectionRecord[];
}

/** How many came or went, and how many were in that state already. */
export interface MembersChanged {
  readonly changed: number;
  readonly unchanged: number;
}

/** All of so many are added or none; of more than that, each so many. */
const MEMBERS_AT_ONCE = 100_000;

/**
 * The datasets, or the containers, of a catalog (docs/collections.md). Names are texts: `scope:name`, or `name` in the default scope.
 * Every method fails with a `CollectionError` that has all reasons of a refusal, with a `ConfigurationError` where a text is no
 * name, or with a `CatalogError`.
 */
export class Collections {
  readonly kind: CollectionKind;
  readonly #catalog: Catalog;
  readonly #scope: DefaultScope;

  constructor(catalog: Catalog, kind: CollectionKind, scope: DefaultScope) {
    this.#catalog = catalog;
    this.kind = kind;
    this.#scope = scope;
  }

  /** As it is printed, and understood whatever the default scope. */
  fullName(name: string): string {
    return formatObjectName(parseName(name, this.#scope));
  }

  /** False: there was one already. A monotonic one never gives anything back. */
  async create(name: string, { monotonic = false }: { readonly monotonic?: boolean } = {}): Promise<boolean> {
    const wanted = { ...parseName(name, this.#scope), kind: this.kind, isMonotonic: monotonic };
    return this.#settle(await this.#catalog.putCollection(wanted)) > 0;
  }

  /** Of all scopes, or of one; by scope and name. */
  list(scope?: string): AsyncIterable<CollectionRecord> {
    return walkCollections(this.#catalog, {
      kind: this.kind,
      scope: scope === undefined ? undefined : checkScope(scope),
    });
  }

  async show(name: string): Promise<CollectionDetails> {
    const record = await this.#require(name);
    const content = await this.#catalog.sumCollection(record);
    const parents = await this.#catalog.listParents(record);
    return { ...record, content: content ?? NOTHING, parents };
  }

  /** Direct ones, in the order in which the catalog came to know them; pages are read as they are needed. */
  async *members(name: string): AsyncGenerator<MemberRecord> {
    yield* walkMembers(this.#catalog, await this.#require(name));
  }

  /**
   * Adds members: names, patterns (`lab:raw/*.csv`; docs/sync.md, "Patterns"), or names with what the caller takes the object for.
   * All or none, up to 100,000; of more, each 100,000.
   */
  async add(name: string, members: MembersNamed): Promise<MembersChanged> {
    const parent = await this.#require(name);
    const wanted = findMembersNamed(this.#findIn, members, 'addable');
    return this.#inPages(wanted, (page) => this.#catalog.attach(parent, page));
  }

  /** Takes members out: names, or patterns that its members are compared with. Who is no member is passed over. */
  async remove(name: string, members: MembersNamed): Promise<MembersChanged> {
    const parent = await this.#require(name);
    const wanted = findMembersNamed(this.#findIn, members, parent);
    return this.#inPages(wanted, (page) => this.#catalog.detach(parent, page));
  }

  /** A closed one neither takes nor gives. False: it was closed already. */
  async close(name: string): Promise<boolean> {
    return this.#settle(await this.#catalog.setCollectionOpen(await this.#require(name), false)) > 0;
  }

  /** False: it was open already. */
  async open(name: string): Promise<boolean> {
    return this.#settle(await this.#catalog.setCollectionOpen(await this.#require(name), true)) > 0;
  }

  get #findIn(): FindIn {
    return { catalog: this.#catalog, scope: this.#scope, kind: this.kind };
  }

  async #inPages(
    members: AsyncIterable<NewMember>,
    change: (page: readonly NewMember[]) => Promise<CollectionOutcome>,
  ): Promise<MembersChanged> {
    let changed = 0;
    let asked = 0;
    let page: NewMember[] = [];
    const flush = async (): Promise<void> => {
      const outcome = await change(page);
      if (outcome.kind === 'refused') throw new CollectionError(await this.#explain(outcome.problems), changed);
      changed += outcome.kind === 'changed' ? outcome.count : 0;
      asked += page.length;
      page = [];
    };
    for await (const member of members) {
      page.push(member);
      if (page.length === MEMBERS_AT_ONCE) await flush();
    }
    if (page.length > 0) await flush();
    return { changed, unchanged: asked - changed };
  }

  #settle(outcome: CollectionOutcome): number {
    if (outcome.kind === 'refused') throw new CollectionError(outcome.problems);
    return outcome.kind === 'changed' ? outcome.count : 0;
  }

  #explain(problems: readonly CollectionProblem[]): Promise<readonly CollectionProblem[]> {
    return suggestNames(this.#catalog, problems, this.kind === 'dataset' ? 'object' : undefined);
  }

  /** The collection of this name and kind. */
  async #require(text: string): Promise<CollectionRecord> {
    const name = parseName(text, this.#scope);
    const found = await this.#catalog.readCollection(name);
    if (found?.kind === this.kind) return found;
    if (found !== undefined) {
      const message = `${showName(name)} is a ${found.kind}, not a ${this.kind}`;
      throw new CollectionError([collectionProblem('wrong-kind', name, message, `use pando ${found.kind}`)]);
    }
    const message = `there is no ${this.kind} ${showName(name)}`;
    const remedy = `make it first: pando ${this.kind} create ${showName(name)}`;
    const problem = collectionProblem('unknown', name, message, remedy);
    throw new CollectionError(await suggestNames(this.#catalog, [problem], this.kind));
  }
}

const NOTHING: CollectionSum = { collections: 0, objects: 0, bytes: 0, deletedObjects: 0 };
