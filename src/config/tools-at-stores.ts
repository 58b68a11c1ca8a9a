import { readFileSync } from 'node:fs';
import { selectStores } from '../domain/store/expression/select-stores.ts';
import { attributesOf } from '../domain/store/store-traits.ts';
import type { Profile, TransferToolSettings } from './configuration.ts';
import { storePlace } from './place.ts';

/** The token as it is now: of a file, what was last written there. Fails as the file system fails. */
export function readToken(token: TransferToolSettings['token']): string | undefined {
  if (token.kind === 'none') return undefined;
  return token.kind === 'text' ? token.text : readFileSync(token.path, 'utf8').trim();
}

/** Places of the stores an expression means. */
export function placesOf(expression: string, profiles: Readonly<Record<string, Profile>>): ReadonlySet<string> {
  const selection = selectStores(expression, describeForExpressions(profiles));
  return new Set(selection.kind === 'selected' ? selection.stores.map(({ place }) => place) : []);
}

/** As expressions see them. */
export function describeForExpressions(profiles: Readonly<Record<string, Profile>>) {
  return Object.values(profiles).map(({ name, traits, storage }) => ({
    name,
    attributes: attributesOf(traits),
    place: storePlace(storage),
  }));
}

/** What a tool may do at a store, and by which URL. */
export interface ToolAtStore {
  readonly tool: string;
  readonly gives: boolean;
  readonly takes: boolean;
  /** Where its paths begin for the tool; undefined: it has no URL that the tool can use. */
  readonly url: string | undefined;
}

/** The tools that are meant for a store. */
export function toolsAt(
  profile: Profile,
  {
    transferTools = [],
    profiles,
  }: { readonly transferTools?: readonly TransferToolSettings[] } & {
    readonly profiles: Readonly<Record<string, Profile>>;
  },
): readonly ToolAtStore[] {
  const place = storePlace(profile.storage);
  const places = [place, ...profile.protocols.map(({ storage }) => storePlace(storage))];
  return transferTools.flatMap(({ name, from, to, schemes }) => {
    const [gives, takes] = [placesOf(from, profiles).has(place), placesOf(to, profiles).has(place)];
    if (!gives && !takes) return [];
    return [{ tool: name, gives, takes, url: places.find((one) => schemes.includes(schemeOf(one))) }];
  });
}

function schemeOf(url: string): string {
  return new URL(url).protocol.slice(0, -1);
}
