import type { Catalog } from '../../ports/catalog.ts';
import type { Storage } from '../../ports/storage.ts';
import { ObjectError } from '../object-error.ts';
import type { ObjectScope, OpenedScope } from '../opened-scope.ts';
import type { SiteStore } from './site-store.ts';

/**
 * How the objects of a scope are served (docs/server.md, "Scopes"): those of a profile through it, all others from wherever copies of them
 * lie, and what is written goes into the site's own store.
 */
export type ServedScope =
  | { readonly kind: 'profile'; readonly scope: OpenedScope }
  | { readonly kind: 'own'; readonly scope: ObjectScope };

export interface ServedScopesGiven {
  readonly catalog: Pick<Catalog, 'findOtherSource' | 'openScope'>;
  readonly store: SiteStore;
  /** Opens the scope of a profile; undefined: no profile is called so. */
  readonly openProfile: (name: string) => Promise<OpenedScope> | undefined;
  /** A store that rules or uploads put copies in. */
  readonly openPlaced: (place: string) => Promise<Storage | undefined>;
  readonly openToDelete: (place: string) => Promise<Storage | undefined>;
  readonly availability: NonNullable<ObjectScope['availability']>;
  readonly deadlineMs: number;
}

/** So many are remembered; who has more asks the catalog again. */
const REMEMBERED_MAX = 10_000;

export class ServedScopes {
  readonly #given: ServedScopesGiven;
  readonly #profiles = new Map<string, Promise<ServedScope>>();
  readonly #own = new Map<string, ServedScope>();
  /** Own scopes that the catalog knows for certain. */
  readonly #declared = new Set<string>();

  constructor(given: ServedScopesGiven) {
    this.#given = given;
  }

  async find(name: string): Promise<ServedScope> {
    const known = this.#own.get(name) ?? this.#profiles.get(name);
    if (known !== undefined) return known;
    const opening = this.#given.openProfile(name);
    if (opening === undefined) return this.#findOwn(name);
    const served = opening.then((scope) => ({ kind: 'profile', scope }) as const);
    this.#profiles.set(name, served);
    served.catch(() => this.#profiles.delete(name));
    return served;
  }

  async #findOwn(name: string): Promise<ServedScope> {
    const { catalog, store, openPlaced, openToDelete, availability, deadlineMs } = this.#given;
    const source = await catalog.findOtherSource(name, NOWHERE);
    if (source !== undefined)
      throw new ObjectError(
        'refused',
        { scope: name, name: '' },
        `the source of this scope is ${source}, and no profile of this server is called ${name}: name it in the configuration`,
      );
    const { storage } = store;
    const replicas = [{ title: storage.name, isMirror: false, priority: 1, storage }];
    const scope: ObjectScope = {
      name,
      title: name,
      source: undefined,
      replicas,
      openPlaced,
      openElsewhere: openToDelete,
      availability,
      consistency: 'validated',
      deadlineMs,
    };
    const served = { kind: 'own', scope } as const;
    if (this.#own.size >= REMEMBERED_MAX) this.#own.clear();
    this.#own.set(name, served);
    return served;
  }

  /** The catalog knows an own scope before anything is written in it. */
  async declare({ name }: ObjectScope): Promise<void> {
    if (this.#declared.has(name)) return;
    const { storage } = this.#given.store;
    const replicas = [{ store: storage.place, title: storage.name, priority: 1 }];
    await this.#given.catalog.openScope({ name, title: name, source: undefined, replicas, standing: false });
    if (this.#declared.size >= REMEMBERED_MAX) this.#declared.clear();
    this.#declared.add(name);
  }
}

/** No store lies there. */
const NOWHERE = '';
