import type { Pando } from '../compose.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { type Storage, StorageError } from '../ports/storage.ts';
import { findStore } from './list-stores.ts';

export interface SourceMoved {
  /** Where it was known to lie. */
  readonly from: string;
  /** Objects that were looked for at the new place, up to 100, and how many of them are not there as they were known. */
  readonly looked: number;
  readonly missing: number;
}

/** Enough to see that it is the data, and not another directory, or the mount point of a disk that is not mounted. */
const LOOKED_MAX = 100;

/**
 * The source of a profile lies where the configuration says, and not where the catalog knew it (docs/catalog.md, "Scopes and their
 * sources"). Undefined: it lies where it is known. Fails with a `ConfigurationError` where nothing of it is there.
 */
export async function moveSource(pando: Pando, name: string): Promise<SourceMoved | undefined> {
  const { place } = findStore(pando.configuration, name);
  const profile = pando.profile(name);
  if (profile === undefined) throw new Error(`${name} is a store and no profile`);
  const refuse = (what: string, remedy: string): ConfigurationError =>
    new ConfigurationError([problemOutsideFiles('store moved', what, remedy)]);
  if (!pando.hasPlace(profile))
    throw refuse(`${place} is not there`, 'mount the disk it lies on, or write in pando.yaml where it is');
  const from = await (await pando.catalog()).findOtherSource(name, place);
  if (from === undefined) return undefined;
  const { looked, missing } = await lookFor(pando, name, { from, storage: await openAt(pando, place) });
  if (looked > 0 && missing === looked) {
    const what = `none of ${looked} objects that were looked for lies at ${place} as it was known at ${from}`;
    throw refuse(what, 'bring the data there first, or write in pando.yaml where it is');
  }
  await pando.openScope(profile, { isMoved: true });
  return { from, looked, missing };
}

/** By its own protocol: its places are those the catalog knows. */
async function openAt(pando: Pando, place: string): Promise<Storage | undefined> {
  return await pando
    .stores()
    .get(place)
    ?.protocols.find((one) => one.place === place)
    ?.open();
}

async function lookFor(
  pando: Pando,
  scope: string,
  { from, storage }: { readonly from: string; readonly storage: Storage | undefined },
): Promise<Pick<SourceMoved, 'looked' | 'missing'>> {
  if (storage === undefined) return { looked: 0, missing: 0 };
  const catalog = await pando.catalog();
  const query = { scope, prefix: '', limit: LOOKED_MAX, stores: [from], deleted: false, details: true };
  const { names, sizes, replicas } = await catalog.scanScope(query);
  const known = names.flatMap((name, at) => {
    const state = replicas[0]?.states[at] ?? null;
    return state === null || state === 'BEING_DELETED' ? [] : [{ name, size: sizes[at] }];
  });
  let missing = 0;
  for (const { name, size } of known) {
    try {
      if ((await storage.head(name)).size !== size) missing++;
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'not-found') throw error;
      missing++;
    }
  }
  return { looked: known.length, missing };
}
