import type { Pando } from '../compose.ts';
import { filePlace, storePlace } from '../config/place.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { suggest } from '../config/suggestion.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import type { LossPlan } from '../engine/plan/plan-types.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { HeldCounts } from '../ports/store-places.ts';
import { describeHeld } from './store-held.ts';

/** What would follow if a store was declared lost. */
export interface StoreLossPlan extends LossPlan {
  readonly place: string;
  /** Copies that would be forgotten, and requests that would end. */
  readonly held: HeldCounts;
}

export interface StoreLost {
  readonly store: string;
  readonly place: string;
  /** Copies that are forgotten. */
  readonly copies: number;
  /** Objects of which no copy is left that could be good; each was told to `onLost`. */
  readonly lostObjects: number;
  /** It was stopped before its end: said again, it goes on. */
  readonly isInterrupted: boolean;
}

export interface LoseOptions {
  readonly signal?: AbortSignal;
  /** `scope:name` of each object of which no copy is left. */
  readonly onLost?: (object: string) => void;
}

/** What would be, were the store, or the place, declared lost. Writes nothing. */
export async function planLostPlace(pando: Pando, what: string, { signal }: LoseOptions = {}): Promise<StoreLossPlan> {
  const { place } = await findLost(pando, what);
  const catalog = await pando.catalogAsItIs();
  const plan = await pando.storeDesk().planLoss({ store: place, signal: signal ?? new AbortController().signal });
  const held = (await catalog.countHeld(place)) ?? { copies: 0, copiesWanted: 0, deletes: 0 };
  return { ...plan, place, held };
}

/**
 * A store, or a place that the catalog knows, is gone for good or was emptied: its copies are forgotten, rules place anew what they had
 * there, and nothing waits for it any more. No byte is touched. Fails with a `ConfigurationError` where nothing is changed.
 */
export async function loseStore(pando: Pando, what: string, options: LoseOptions = {}): Promise<StoreLost> {
  const { name, place } = await findLost(pando, what);
  const { signal = new AbortController().signal, onLost } = options;
  const lost = await pando.storeDesk().loseStore({
    store: place,
    name,
    signal,
    onLost: (object) => onLost?.(formatObjectName(object)),
  });
  if (lost.kind === 'held') throw refusal(describeHeld(name, lost), 'wait until it has ended, or stop it');
  const { copies, objects, isInterrupted } = lost;
  return { store: name, place, copies, lostObjects: objects, isInterrupted };
}

function refusal(what: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles('store lost', what, remedy)]);
}

interface Lost {
  readonly name: string;
  readonly place: string;
}

async function findLost(pando: Pando, what: string): Promise<Lost> {
  const { profiles } = pando.configuration;
  const catalog = await pando.catalogAsItIs();
  const known = await catalog.readStoreUse();
  const configured = Object.values(profiles).map(({ name, storage }) => ({ name, place: storePlace(storage) }));
  const isUsed = (place: string): boolean => configured.some((one) => one.place === place);
  const others = (await catalog.listPlacesNamed(what)).filter(({ place }) => !isUsed(place)).map(({ place }) => place);
  const own = configured.find(({ name }) => name === what);
  const isOwn = own !== undefined && (others.length === 0 || (await isHolding(catalog, own.place)));
  const places = isOwn ? [own.place, ...others] : others;
  if (places.length > 1)
    throw refusal(`${what} is known at ${places.join(', ')}`, 'say which place is lost: pando store lost PLACE');
  const spellings = new Set([what, `${what}/`, ...(what.includes(':') ? [] : [filePlace(what)])]);
  const place = places[0] ?? known.find(({ store }) => spellings.has(store))?.store;
  const found = known.find(({ store }) => store === place);
  if (own !== undefined && place === own.place && found === undefined) return own;
  if (place === undefined || found === undefined) {
    const named = known.find(({ title }) => title === what);
    if (named !== undefined) throw refuseEmpty(what, configured.find((one) => one.place === named.store)?.name);
    const names = [...new Set([...configured.map(({ name }) => name), ...known.map(({ title }) => title)])];
    throw refusal(`the catalog knows no store ${JSON.stringify(what)}`, suggest(what, names));
  }
  const name = configured.find((one) => one.place === place)?.name ?? found.title;
  refuseSource(pando, { name, place }, found.sourceOf);
  return { name, place };
}

/** `now`: the profile that has its place by now. */
function refuseEmpty(what: string, now: string | undefined): ConfigurationError {
  if (now !== undefined) return refusal(`the store ${what} is called ${now} by now`, `pando store lost ${now}`);
  const message = `the catalog knows of no copy at ${what}, and nothing waits for it`;
  return refusal(message, 'nothing is left to do: it was taken as lost before, or has never held anything');
}

/** There is something to be lost there. */
async function isHolding({ countHeld }: Pick<Catalog, 'countHeld'>, place: string): Promise<boolean> {
  const { copies, copiesWanted, deletes } = (await countHeld(place)) ?? { copies: 0, copiesWanted: 0, deletes: 0 };
  return copies + copiesWanted + deletes > 0;
}

/** What *is* at a source is what its objects are: it is filled again, or another store takes its place. */
function refuseSource(pando: Pando, { name, place }: Lost, sourceOf: readonly string[]): void {
  const { profiles } = pando.configuration;
  const isOwn = (scope: string): boolean => {
    const profile = profiles[scope];
    return profile !== undefined && storePlace(profile.storage) === place;
  };
  const scope = sourceOf.find(isOwn);
  const isReplica = Object.values(profiles).some(({ replicas }) =>
    replicas.some(({ profile }) => profiles[profile] !== undefined && storePlace(profiles[profile].storage) === place),
  );
  if (scope === undefined || isReplica) return;
  throw refusal(
    `${place} is the source of ${scope}, whose objects are what lies there`,
    `bring back what other stores have of it: pando download '${scope}:*' --to DIRECTORY, and put that there; ` +
      `or let a replica be the source: its place in pando.yaml as that of ${name}, then pando store moved ${name}`,
  );
}
