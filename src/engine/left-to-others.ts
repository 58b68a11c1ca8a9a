import type { Catalog, ClaimedRequest } from '../ports/catalog.ts';
import type { Telling } from '../ports/telling.ts';
import type { ObjectScope } from './opened-scope.ts';
import { storageAt } from './scope-stores.ts';

/**
 * What is queued for those whose configuration is newer than this process's (docs/catalog.md, "Leases"): of a scope whose source was moved
 * meanwhile, and of a replica that this process does not know. Here it would fail, or be done at a place that nobody means any more.
 */
export class LeftToOthers {
  readonly #catalog: Pick<Catalog, 'findOtherSource' | 'listStandingRules'>;
  readonly #scopes: readonly ObjectScope[];
  readonly #telling: Telling | undefined;
  readonly #moved = new Set<ObjectScope>();
  /** By place, the scopes that have a replica there which this process does not know. */
  readonly #unknown = new Map<string, Set<string>>();

  constructor(
    catalog: Pick<Catalog, 'findOtherSource' | 'listStandingRules'>,
    scopes: readonly ObjectScope[],
    telling?: Telling,
  ) {
    this.#catalog = catalog;
    this.#scopes = scopes;
    this.#telling = telling;
  }

  /** Names of scopes that lie where this process knows them. */
  scopes(): readonly string[] {
    return this.#scopes.filter((scope) => !this.#moved.has(scope)).map(({ name }) => name);
  }

  /** Places that none of its scopes knows here: nothing for them need be claimed. */
  places(): readonly string[] {
    return [...this.#unknown.keys()].filter((place) => !this.#scopes.some((scope) => storageAt(scope, place)));
  }

  /** Nothing like it is claimed any more. */
  isLeftAlone({ scope, store }: ClaimedRequest): boolean {
    return !this.scopes().includes(scope) || this.places().includes(store);
  }

  async look(): Promise<void> {
    for (const scope of this.#scopes) await this.#isMoved(scope);
  }

  /** Asked of what could not be done here. */
  async has(scope: ObjectScope, request: ClaimedRequest): Promise<boolean> {
    return (await this.#isMoved(scope)) || (await this.#isUnknown(scope, request));
  }

  /** Asked before it is begun: of what the scope names here, that would cost more than it is worth. */
  async owns(scope: ObjectScope, request: ClaimedRequest): Promise<boolean> {
    return storageAt(scope, request.store) === undefined && (await this.has(scope, request));
  }

  /** A copy to a replica that the scope has, but not here. */
  async #isUnknown(scope: ObjectScope, { kind, store }: ClaimedRequest): Promise<boolean> {
    if (kind !== 'copy' || storageAt(scope, store) !== undefined) return false;
    const rules = await this.#catalog.listStandingRules(scope.name);
    if (!rules.some((rule) => rule.store === store)) return false;
    const known = this.#unknown.get(store) ?? new Set();
    if (!known.has(scope.name)) this.#tell('a replica is not known here', { scope: scope.name, place: store });
    this.#unknown.set(store, known.add(scope.name));
    return true;
  }

  async #isMoved(scope: ObjectScope): Promise<boolean> {
    if (scope.source === undefined) return false;
    const place = await this.#catalog.findOtherSource(scope.name, scope.source.place);
    if (place === undefined) this.#moved.delete(scope);
    else {
      if (!this.#moved.has(scope)) this.#tell('a source was moved', { scope: scope.name, place });
      this.#moved.add(scope);
    }
    return place !== undefined;
  }

  #tell(what: string, facts: Readonly<Record<string, string>>): void {
    this.#telling?.info?.(`${what}: what waits for it is left to workers with the configuration of now`, facts);
  }
}
