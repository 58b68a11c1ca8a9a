import type { PlaceOwner } from '../../ports/places.ts';
import { findPlaceOwners } from '../record/place-owners.ts';
import type { Session } from '../session.ts';

export async function readPlaces(
  session: Session,
  place: string,
  keys: readonly string[],
): Promise<readonly (readonly PlaceOwner[])[]> {
  const store = await session.known.stores.findId(session, place);
  if (store === undefined) return keys.map(() => []);
  return findPlaceOwners(
    session,
    keys.map((key) => ({ store, key })),
  );
}
