import picomatch from 'picomatch';
import { type ListArguments, type ListedObject, ObjectListing, type ListPorts } from './list-objects.ts';

/** The names of a scope that a pattern matches (`*` within a segment, `**` across, `?`, `[a-z]`, `{a,b}`); hidden ones too. */
export class ObjectGlob implements AsyncIterable<ListedObject> {
  readonly listing: ObjectListing;
  readonly #matches: (name: string) => boolean;

  constructor(ports: ListPorts, { pattern, ...args }: Omit<ListArguments, 'prefix'> & { readonly pattern: string }) {
    this.#matches = picomatch(pattern, { dot: true });
    this.listing = new ObjectListing(ports, { ...args, prefix: fixedPrefix(pattern) });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ListedObject> {
    for await (const listed of this.listing) if (this.#matches(listed.name)) yield listed;
  }
}

/** What every matching name begins with, so that only that part of the store is listed. */
function fixedPrefix(pattern: string): string {
  const magic = pattern.search(/[*?[{(!+@\\]/);
  return magic < 0 ? pattern : pattern.slice(0, pattern.lastIndexOf('/', magic) + 1);
}
