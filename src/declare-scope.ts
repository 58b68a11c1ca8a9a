import type { Profile } from './config/configuration.ts';
import { nameOfPlace } from './config/implicit-profile.ts';
import { storePlace } from './config/place.ts';
import { ConfigurationError, problemOutsideFiles } from './config/problem.ts';
import type { Catalog } from './ports/catalog.ts';

export interface ScopeStores {
  readonly source: { readonly place: string };
  readonly replicas: readonly {
    readonly title: string;
    readonly priority: number;
    readonly storage: { readonly place: string };
  }[];
  /** The replicas are the profile's rule. */
  readonly standing: boolean;
}

/** Tells a catalog of a profile's scope. Fails with a `ConfigurationError` where it knows the objects from another source. */
export async function declareScope(
  catalog: Pick<Catalog, 'openScope' | 'location'>,
  { name, storage }: Profile,
  { source, replicas, standing }: ScopeStores,
): Promise<void> {
  const opened = await catalog.openScope({
    name,
    title: name,
    formerly: nameOfPlace(storage),
    source: source.place,
    replicas: replicas.map(({ title, priority, storage: { place } }) => ({ store: place, title, priority })),
    standing,
  });
  if (opened.kind === 'elsewhere') throw isElsewhere(catalog, { name, here: source.place, known: opened.source });
}

/** The same check, where nothing is to be written. */
export async function checkSource(
  catalog: Pick<Catalog, 'findOtherSource' | 'location'>,
  { name, storage }: Profile,
): Promise<void> {
  const here = storePlace(storage);
  const known = await catalog.findOtherSource(name, here);
  if (known !== undefined) throw isElsewhere(catalog, { name, here, known });
}

/** docs/catalog.md, "Scopes and their sources". */
function isElsewhere(
  { location }: Pick<Catalog, 'location'>,
  { name, here, known }: { readonly name: string; readonly here: string; readonly known: string },
): ConfigurationError {
  const message = `the catalog ${location} knows ${name} with its source at ${known}, and here it is ${here}`;
  const remedy =
    'two projects need two profile names, or a catalog each (catalog: in pando.yaml); ' +
    `of data that was moved say: pando store moved ${name}`;
  return new ConfigurationError([problemOutsideFiles(`profiles.${name}`, message, remedy)]);
}
