import type { Pando } from '../compose.ts';
import type { Profile } from '../config/configuration.ts';
import { storePlace } from '../config/place.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import type { PlaceNamed } from '../ports/store-places.ts';
import { type Storage, StorageError } from '../ports/storage.ts';
import { findStore } from './list-stores.ts';
import { describeHeld } from './store-held.ts';

export interface StoreMoved {
  /** Where it was known to lie. */
  readonly from: string;
  /** Objects that were looked for at the new place, up to 100, and how many of them are not there as they were known. */
  readonly looked: number;
  readonly missing: number;
}

/** Enough to see that it is the data, and not another directory, or the mount point of a disk that is not mounted. */
const LOOKED_MAX = 100;
/** Copies asked for at once, until so many are found that should be there. */
const PAGE_COPIES = 1_000;

/**
 * A store lies where the configuration says, and not where the catalog knew it (docs/catalog.md, "Stores that were moved"). `from`: at
 * which place it lay, where several are known by its name. Undefined: it lies where it is known. Fails with a `ConfigurationError` where
 * nothing of it is there, and then nothing is changed.
 */
export async function moveStore(
  pando: Pando,
  name: string,
  { from: chosen }: { readonly from?: string | undefined } = {},
): Promise<StoreMoved | undefined> {
  const { place } = findStore(pando.configuration, name);
  const profile = pando.profile(name);
  if (profile === undefined) throw new Error(`${name} is a store and no profile`);
  if (!pando.hasPlace(profile))
    throw refusal(`${place} is not there`, 'mount the disk it lies on, or write in pando.yaml where it is');
  const from = choose(name, await findOtherPlaces(pando, profile), chosen);
  if (from === undefined) {
    await refuseSwapped(pando, name, place);
    return undefined;
  }
  const { looked, missing, tokensHold } = await lookFor(pando, { from, storage: await openAt(pando, place) });
  if (looked > 0 && missing === looked) {
    const what = `none of ${looked} objects that were looked for lies at ${place} as it was known at ${from}`;
    throw refusal(what, 'bring the data there first, or write in pando.yaml where it is');
  }
  const moved = await (await pando.catalog()).moveStore({ from, to: place, title: name, tokensHold });
  if (moved.kind === 'held') throw refusal(describeHeld(name, moved), 'wait until it has ended, or stop it');
  return { from, looked, missing };
}

/** Its source is known where this configuration has another store: which of the two rows is which, nobody could say any more. */
async function refuseSwapped(pando: Pando, name: string, place: string): Promise<void> {
  const known = await (await pando.catalog()).findOtherSource(name, place);
  if (known === undefined) return;
  const other = Object.values(pando.configuration.profiles).find(({ storage }) => storePlace(storage) === known);
  const title = other?.name ?? 'another store';
  throw refusal(
    `the source of ${name} is known at ${known}, which is the place of ${title} now`,
    `where a replica became the source, leave ${title} out of pando.yaml until this was said; ` +
      'stores that swapped their places are moved one after the other, by way of a third place',
  );
}

function refusal(what: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles('store moved', what, remedy)]);
}

interface OtherPlace extends PlaceNamed {
  /** Scopes that this configuration does not have, or has from another source: somebody else's store of the same name. */
  readonly others: readonly string[];
}

/** Places known by the profile's name that this configuration does not use. */
async function findOtherPlaces(pando: Pando, { name }: Profile): Promise<readonly OtherPlace[]> {
  const { profiles } = pando.configuration;
  const used = new Set(Object.values(profiles).map(({ storage }) => storePlace(storage)));
  const catalog = await pando.catalog();
  const isOther = async (scope: string): Promise<boolean> => {
    if (scope === name) return false;
    const own = profiles[scope];
    return own === undefined || (await catalog.findOtherSource(scope, storePlace(own.storage))) !== undefined;
  };
  const found: OtherPlace[] = [];
  for (const known of await catalog.listPlacesNamed(name)) {
    if (used.has(known.place)) continue;
    const others: string[] = [];
    for (const scope of known.scopes) if (await isOther(scope)) others.push(scope);
    found.push({ ...known, others });
  }
  return found;
}

function choose(name: string, places: readonly OtherPlace[], chosen: string | undefined): string | undefined {
  const list = places.map(({ place }) => place).join(', ');
  if (chosen !== undefined) {
    const found = places.find(({ place }) => place === chosen || place === `${chosen}/`);
    if (found !== undefined) return found.place;
    const known = list === '' ? 'at no other place' : `at ${list}`;
    throw refusal(`the catalog does not know ${name} at ${chosen}`, `it is known ${known}`);
  }
  const [first] = places;
  if (first === undefined) return undefined;
  if (places.length > 1)
    throw refusal(
      `the catalog knows ${name} at ${places.length} other places: ${list}`,
      `say which of them it was moved from: pando store moved ${name} --from PLACE`,
    );
  const [scope] = first.others;
  if (scope !== undefined)
    throw refusal(
      `${first.place}, which is called ${name} too, has copies of ${scope}, whose source this configuration has not`,
      `if ${scope} was moved as well, say so of it first; if it is this store all the same: ` +
        `pando store moved ${name} --from ${first.place}`,
    );
  return first.place;
}

/** By its own protocol: its places are those the catalog knows. */
async function openAt(pando: Pando, place: string): Promise<Storage | undefined> {
  return await pando
    .stores()
    .get(place)
    ?.protocols.find((one) => one.place === place)
    ?.open();
}

interface LookedFor extends Omit<StoreMoved, 'from'> {
  /** All that are there have the tokens they had. */
  readonly tokensHold: boolean;
}

async function lookFor(
  pando: Pando,
  { from, storage }: { readonly from: string; readonly storage: Storage | undefined },
): Promise<LookedFor> {
  const counted = { looked: 0, missing: 0, kept: 0 };
  if (storage === undefined) return { looked: 0, missing: 0, tokensHold: false };
  for (const { key, size, token } of await findCopies(pando, from)) {
    counted.looked++;
    try {
      const head = await storage.head(key);
      if (head.size !== size) counted.missing++;
      else if (head.token === token) counted.kept++;
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'not-found') throw error;
      counted.missing++;
    }
  }
  const { looked, missing, kept } = counted;
  return { looked, missing, tokensHold: kept > 0 && kept === looked - missing };
}

interface KnownCopy {
  readonly key: string;
  readonly size: number | undefined;
  readonly token: string | null | undefined;
}

/** Some of current versions that should be there. */
async function findCopies(pando: Pando, store: string): Promise<readonly KnownCopy[]> {
  const catalog = await pando.catalog();
  const copies: KnownCopy[] = [];
  for (let after: string | undefined; ; ) {
    const page = await catalog.listReplicasAt(store, { limit: PAGE_COPIES, ...(after === undefined ? {} : { after }) });
    for (const [at, key] of page.places.entries()) {
      const isThere = page.current[at] === true && !GONE.has(page.states[at] ?? '') && page.tokens[at] !== null;
      if (isThere) copies.push({ key, size: page.sizes[at], token: page.tokens[at] });
      if (copies.length === LOOKED_MAX) return copies;
    }
    if (page.next === undefined) return copies;
    after = page.next;
  }
}

const GONE: ReadonlySet<string> = new Set(['BEING_DELETED', 'COPYING']);
