import type { Configuration, Profile } from '../config/configuration.ts';
import { namesOfPlaces, sameAs } from '../config/names-of-places.ts';
import { storePlace } from '../config/place.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { suggestProfile } from '../config/suggestion.ts';
import { type ToolAtStore, toolsAt } from '../config/tools-at-stores.ts';
import { selectStores, type StoreSelection } from '../domain/store/expression/select-stores.ts';
import { attributesOf, type StoreTraits } from '../domain/store/store-traits.ts';

/** A store as rules see it. */
export interface ListedStore {
  readonly name: string;
  readonly type: Profile['storage']['type'];
  /** Normalised URL, without secrets. */
  readonly place: string;
  /** The first profile with this place, where this one is another: rules and uploads know the store by its name and its traits. */
  readonly sameAs: string | undefined;
  readonly traits: StoreTraits;
  /** What expressions ask for. */
  readonly attributes: ReadonlyMap<string, string | number | boolean>;
  /** Tools besides the workers that may bring and fetch its bytes. */
  readonly transferTools: readonly ToolAtStore[];
}

export type StoresFound = Exclude<StoreSelection<ListedStore>, { readonly kind: 'not-understood' }>;

/** One store by its name. */
export function findStore(configuration: Configuration, name: string): ListedStore {
  const stores = describeStores(configuration);
  const found = stores.find((store) => store.name === name);
  if (found !== undefined) return found;
  const remedy = suggestProfile(
    name,
    stores.map((store) => store.name),
  );
  throw new ConfigurationError([problemOutsideFiles('store', `no profile is called ${JSON.stringify(name)}`, remedy)]);
}

/** The stores of the configuration, in its order, or those an expression means (docs/names-and-expressions.md). */
export function listStores(configuration: Configuration, expression = '*'): StoresFound {
  const selection = selectStores(expression, describeStores(configuration));
  if (selection.kind !== 'not-understood') return selection;
  const { message, remedy } = selection.problem;
  throw new ConfigurationError([problemOutsideFiles('expression', message, remedy)]);
}

function describeStores(configuration: Configuration): readonly ListedStore[] {
  const named = namesOfPlaces(configuration);
  return Object.values(configuration.profiles).map((profile) => ({
    name: profile.name,
    sameAs: sameAs(profile, named),
    type: profile.storage.type,
    place: storePlace(profile.storage),
    traits: profile.traits,
    attributes: attributesOf(profile.traits),
    transferTools: toolsAt(profile, configuration),
  }));
}
