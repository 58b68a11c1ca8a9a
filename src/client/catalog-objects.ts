import { collectionProblem, showName } from '../domain/collection/collection.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { ObjectContent, Version } from '../domain/object/version.ts';
import type { Replica } from '../domain/replica/replica.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { CollectionRecord, ObjectTraits } from '../ports/collections.ts';
import { CollectionError } from './collection-error.ts';
import { findNearest } from './nearest-names.ts';
import { type DefaultScope, isPattern, parseName, parseNamePattern } from './object-names.ts';
import { type CatalogObject, walkObjects } from './walk-catalog.ts';

/** Everything the catalog knows of an object. */
export interface ObjectDetails extends ObjectName {
  readonly version: Pick<Version, 'dot' | 'operation'>;
  /** Operation id of the version that is read meanwhile, as no store has ever had this one; undefined: this one is read. */
  readonly earlier: string | undefined;
  /** Undefined: it was deleted. */
  readonly content: ObjectContent | undefined;
  /** The content type where none was set. */
  readonly format: string | undefined;
  readonly rightsHolder: string | undefined;
  readonly authority: string | undefined;
  readonly replicas: readonly (Replica & { readonly isCurrent: boolean })[];
  /** The datasets it is in. */
  readonly parents: readonly CollectionRecord[];
  /** A collection that has the same name, as it may be after a sync. */
  readonly namesake: CollectionRecord | undefined;
}

/** What a catalog knows of objects, whatever their stores say now (docs/collections.md, "Objects"). Fails as `Collections` does. */
export class CatalogObjects {
  readonly #catalog: Catalog;
  readonly #scope: DefaultScope;

  constructor(catalog: Catalog, scope: DefaultScope) {
    this.#catalog = catalog;
    this.#scope = scope;
  }

  /** `scope:pattern`, `scope:name`, or `scope:` for all of a scope; by name in byte order. Deleted ones are left out. */
  async *list(wanted: string): AsyncGenerator<CatalogObject> {
    if (wanted.endsWith(':')) {
      yield* walkObjects(this.#catalog, { scope: parseName(`${wanted}any`, this.#scope).scope, prefix: '' });
      return;
    }
    if (!isPattern(wanted)) return yield* this.#listOne(parseName(wanted, this.#scope));
    const meant = parseNamePattern(wanted, this.#scope);
    for await (const object of walkObjects(this.#catalog, meant)) if (meant.matches(object.name)) yield object;
  }

  async *#listOne(name: ObjectName): AsyncGenerator<CatalogObject> {
    const content = (await this.#catalog.readObject(name.scope, name.name))?.current.content;
    if (content?.kind === 'object') yield { ...name, size: content.size, sha256: content.sha256 };
  }

  async show(text: string): Promise<ObjectDetails> {
    const name = parseName(text, this.#scope);
    const [row, namesake] = await Promise.all([
      this.#catalog.readObject(name.scope, name.name),
      this.#catalog.readCollection(name),
    ]);
    if (row === undefined) throw await this.#notFound(name, namesake);
    const { dot, operation, content, id } = row.current;
    const traits = await this.#catalog.readTraits(name);
    const parents = await this.#catalog.listParents(name);
    const isHere = content.kind === 'object';
    return {
      ...name,
      version: { dot, operation },
      earlier: row.earlier?.operation,
      content: isHere ? content : undefined,
      format: traits?.format ?? (isHere ? content.contentType : undefined),
      rightsHolder: traits?.rightsHolder,
      authority: traits?.authority,
      replicas: row.replicas.map((replica) => ({ ...replica, isCurrent: replica.versionId === id })),
      parents: parents.filter(({ kind }) => kind === 'dataset'),
      namesake,
    };
  }

  /** What is not given stays; what is undefined goes. */
  async set(text: string, traits: Partial<Pick<ObjectTraits, 'format' | 'rightsHolder'>>): Promise<void> {
    const name = parseName(text, this.#scope);
    if (await this.#catalog.setTraits(name, traits)) return;
    throw await this.#notFound(name, await this.#catalog.readCollection(name));
  }

  async #notFound(name: ObjectName, namesake: CollectionRecord | undefined): Promise<CollectionError> {
    const message = `there is no object ${showName(name)}`;
    if (namesake !== undefined) {
      const { kind } = namesake;
      const remedy = `it is a ${kind}: pando ${kind} show ${showName(name)}`;
      return new CollectionError([collectionProblem('unknown', name, message, remedy)]);
    }
    const nearest = await findNearest(this.#catalog, name, 'object');
    const remedy = nearest === undefined ? 'pando object ls shows what there is' : `did you mean ${nearest}?`;
    return new CollectionError([collectionProblem('unknown', name, message, remedy)]);
  }
}
