import { pathOfPlace } from './path-of-place.ts';
import type { Operation } from './protocol.ts';
import type { StoreTraits } from './store-traits.ts';

type Availability = StoreTraits['availability'];

interface Configured {
  readonly place: string;
  readonly name: string;
  readonly traits: Pick<StoreTraits, 'availability'>;
}

/** What a catalog knows of a store. */
interface Said {
  readonly store: string;
  readonly title: string;
  readonly said: {
    readonly availability?: Partial<Availability> | null;
    readonly movedTo?: { readonly place: string; readonly title: string };
  };
}

interface Known {
  readonly place: string;
  /** As keys are written. */
  readonly path: string;
  readonly name: string;
  readonly isConfigured: boolean;
  /** Of itself. */
  readonly availability: Availability;
  /** Where the store is that was here: nothing is done in its name at this very place. */
  readonly movedTo: string | undefined;
}

/**
 * What stores are not to be asked for now: as it was said of them in this catalog (`pando store set`), by whomever and whatever this
 * configuration names, and of the others as they are configured. A part of a store is the store's.
 */
export class ClosedStores {
  readonly #known: readonly Known[];

  constructor(configured: Iterable<Configured>, use: Iterable<Said>) {
    const said = new Map([...use].map((one) => [one.store, one]));
    const stores = new Map([...configured].map((one) => [one.place, one]));
    const places = new Set([...stores.keys(), ...said.keys()]);
    this.#known = [...places].map((place) => {
      const store = stores.get(place);
      return {
        place,
        path: pathOfPlace(place),
        name: store?.name ?? said.get(place)?.title ?? place,
        isConfigured: store !== undefined,
        availability: { ...OPEN, ...store?.traits.availability, ...said.get(place)?.said.availability },
        movedTo: movedFrom(said.get(place), store?.name),
      };
    });
  }

  /** Places of all stores the catalog or the configuration knows that are not to be asked for it. */
  closedFor(operation: Operation): readonly string[] {
    return this.#known
      .filter(({ path, movedTo }) => movedTo !== undefined || this.#around(path, operation) !== undefined)
      .map(({ place }) => place);
  }

  /** With all that is said of the stores they are part of. */
  availabilityOf(place: string): Availability {
    const path = pathOfPlace(place);
    const isHere = this.#movedFrom(place) === undefined;
    const isOpen = (operation: Operation) => isHere && this.#around(path, operation) === undefined;
    return { read: isOpen('read'), write: isOpen('write'), delete: isOpen('delete') };
  }

  /**
   * Undefined: it may be asked for that, of the whole place or of this key. Otherwise why not, and how to change it. A place that
   * nobody knows may be.
   */
  whyNot(place: string, operation: Operation, key = ''): string | undefined {
    const moved = this.#movedFrom(place);
    if (moved !== undefined) return describeMoved(moved);
    const store = this.#around(pathOfPlace(place) + key, operation);
    return store && describe(store, operation);
  }

  /** The same for everything below the prefix, a key or a directory's: also because of a store that lies there. */
  whyNotBelow(place: string, operation: Operation, prefix = ''): string | undefined {
    const moved = this.#movedFrom(place);
    if (moved !== undefined) return describeMoved(moved);
    const path = pathOfPlace(place) + prefix;
    const below = path === '' || path.endsWith('/') ? path : `${path}/`;
    const around = this.#around(path, operation);
    if (around !== undefined) return describe(around, operation);
    const inner = this.#known.find((one) => !one.availability[operation] && one.path.startsWith(below));
    return inner && `${inner.name} lies in it: ${describe(inner, operation)}`;
  }

  /** All keys of a place that are not to be asked for it, by what they begin with, each with why not. */
  closedParts(place: string, operation: Operation): readonly { readonly prefix: string; readonly why: string }[] {
    const moved = this.#movedFrom(place);
    if (moved !== undefined) return [{ prefix: '', why: describeMoved(moved) }];
    const path = pathOfPlace(place);
    const around = this.#around(path, operation);
    if (around !== undefined) return [{ prefix: '', why: describe(around, operation) }];
    return this.#known
      .filter((one) => !one.availability[operation] && one.path.startsWith(path))
      .map((one) => ({
        prefix: one.path.slice(path.length),
        why: `${one.name} lies in it: ${describe(one, operation)}`,
      }));
  }

  #movedFrom(place: string): Known | undefined {
    return this.#known.find((one) => one.place === place && one.movedTo !== undefined);
  }

  #around(path: string, operation: Operation): Known | undefined {
    return this.#known.find((one) => !one.availability[operation] && path.startsWith(one.path));
  }
}

const OPEN: Availability = { read: true, write: true, delete: true };

const REFUSED: Readonly<Record<Operation, string>> = {
  read: 'gives no bytes',
  write: 'takes no writes',
  delete: 'deletes nothing',
};

function describe({ name, place, isConfigured }: Known, operation: Operation): string {
  const where = isConfigured ? '' : `, said of ${place}; with a configuration that names it`;
  return `it ${REFUSED[operation]} now${where}: pando store set ${name} --${operation}, or --as-configured`;
}

/** A place that is called otherwise here is another store's by now. */
function movedFrom(known: Said | undefined, name: string | undefined): string | undefined {
  const movedTo = known?.said.movedTo;
  return movedTo?.title === (name ?? known?.title) ? movedTo?.place : undefined;
}

function describeMoved({ name, movedTo }: Known): string {
  return `it was moved to ${movedTo}: start again with a configuration that says so; where it is back: pando store moved ${name}`;
}
