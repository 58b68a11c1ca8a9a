import { statusOf } from './dav-errors.ts';
import { type DavPlace, isRefusedByState } from './dav-place.ts';

/** How servers refuse to make what is there. */
const TAKEN: readonly number[] = [403, 405];

/** Makes the collections a name lies in, the root never. What is a file where one must be is told as `blocked`. */
export async function makeCollections(place: DavPlace, name: string): Promise<void> {
  const parent = name.slice(0, Math.max(0, name.lastIndexOf('/')));
  if (parent === '') {
    if (!(await place.hasRoot())) throw place.fail('not-found', '', 'its collection does not exist: make it');
    return;
  }
  if (await makeCollection(place, parent, name)) return;
  await makeCollections(place, parent);
  if (!(await makeCollection(place, parent, name)))
    throw place.fail('blocked', name, 'a file lies where a directory must be');
}

/** False: what it must lie in is not there. */
async function makeCollection(place: DavPlace, directory: string, key: string): Promise<boolean> {
  try {
    await place.order({ method: 'MKCOL', name: `${directory}/`, key, retried: true });
    return true;
  } catch (error) {
    if (isRefusedByState(error)) return false;
    // Of two that make it at once, Apache forbids it to the second.
    if (!TAKEN.includes(statusOf(error))) throw error;
    const found = await place.find(directory, { key });
    if (found === undefined) throw error;
    if (!found.isCollection) throw place.fail('blocked', key, 'a file lies where a directory must be');
    return true;
  }
}
