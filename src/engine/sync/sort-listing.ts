import type { Scratch } from '../../ports/scratch.ts';
import type { Listed, ListingPage } from '../../ports/storage.ts';
import { ExternalSort } from '../external-sort.ts';

/** Objects kept in memory: some 30 MB of them. */
const OBJECTS_IN_MEMORY = 100_000;
const PAGE_OBJECTS = 1024;

/**
 * The same listing in the byte order of its keys: in memory as far as it fits, else in sorted runs that are then merged.
 * What could not be listed is told as it comes, before the first object. A key that is listed twice counts as it was listed last.
 */
export async function* sortListing(
  pages: AsyncIterable<ListingPage>,
  scratch: Scratch,
  objectsInMemory = OBJECTS_IN_MEMORY,
): AsyncGenerator<ListingPage> {
  const sort = new ExternalSort<Listed>({
    scratch,
    keyOf: ({ key }) => key,
    encode: encodeListed,
    decode: decodeListed,
    inMemory: objectsInMemory,
  });
  for await (const { objects, failures, markers } of pages) {
    if (failures.length > 0 || markers > 0) yield { objects: [], failures, markers };
    await sort.add(objects);
  }
  yield* inPages(lastOfEach(sort.sorted()));
}

/** Times are beyond JSON's numbers. */
function encodeListed({ key, size, token, modifiedNs }: Listed): string {
  return JSON.stringify([key, size, token, modifiedNs?.toString() ?? null]);
}

function decodeListed(line: string): Listed {
  const [key, size, token, modifiedNs] = JSON.parse(line) as [string, number, string, string | null];
  return { key, size, token, modifiedNs: modifiedNs === null ? undefined : BigInt(modifiedNs) };
}

async function* lastOfEach(objects: AsyncIterable<Listed>): AsyncGenerator<Listed> {
  let held: Listed | undefined;
  for await (const object of objects) {
    if (held !== undefined && held.key !== object.key) yield held;
    held = object;
  }
  if (held !== undefined) yield held;
}

async function* inPages(objects: AsyncIterable<Listed>): AsyncGenerator<ListingPage> {
  let page: Listed[] = [];
  for await (const object of objects) {
    if (page.push(object) < PAGE_OBJECTS) continue;
    yield { objects: page, failures: [], markers: 0 };
    page = [];
  }
  if (page.length > 0) yield { objects: page, failures: [], markers: 0 };
}
