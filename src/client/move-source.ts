import type { Pando } from '../compose.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { findStore } from './list-stores.ts';

/**
 * The source of a profile lies where the configuration says, and not where the catalog knew it (docs/catalog.md, "Scopes and their
 * sources"). Returns where that was; undefined: where it is.
 */
export async function moveSource(pando: Pando, name: string): Promise<string | undefined> {
  const { place } = findStore(pando.configuration, name);
  const profile = pando.profile(name);
  if (profile === undefined) throw new Error(`${name} is a store and no profile`);
  if (!pando.hasPlace(profile)) {
    const remedy = 'mount the disk it lies on, or write in pando.yaml where it is';
    throw new ConfigurationError([problemOutsideFiles('store moved', `${place} is not there`, remedy)]);
  }
  const from = await (await pando.catalog()).findOtherSource(name, place);
  if (from !== undefined) await pando.openScope(profile, { isMoved: true });
  return from;
}
