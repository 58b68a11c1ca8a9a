import type { Catalog } from '../../ports/catalog.ts';
import type { ObjectVerbs } from '../object-verbs.ts';
import { entityTagOf } from '../../domain/object/entity-tag.ts';
import { compareKeys } from '../../domain/object/key.ts';
import { ObjectError } from '../object-error.ts';
import { type LostEntry, listLost } from './lost-versions.ts';
import type { ServedScope } from './served-scopes.ts';

export interface ListServed {
  readonly prefix: string;
  /** Names are shown up to its first occurrence after the prefix; undefined: whole. */
  readonly delimiter: string | undefined;
  /** Only what comes after it in byte order; what begins with a shown prefix is all of one place. */
  readonly startAfter: string;
  /** Objects and prefixes together. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
  /** Versions that lost conflicts are shown by names of their own. */
  readonly showsLost?: boolean | undefined;
}

export interface ServedEntry {
  readonly name: string;
  readonly size: number | undefined;
  readonly modifiedNs: bigint | undefined;
  /** Undefined where only a reading would tell. */
  readonly entityTag: string | undefined;
}

export interface ServedListing {
  readonly objects: readonly ServedEntry[];
  readonly prefixes: readonly string[];
  /** Where the next page begins; undefined: there is nothing more. */
  readonly next: string | undefined;
}

interface ListPorts {
  readonly catalog: Pick<Catalog, 'scanScope' | 'readContents' | 'listConflicts'>;
  readonly objects: Pick<ObjectVerbs, 'list'>;
}

/** No name begins with a prefix and comes after this, but such that begin with it, too. */
const LAST = '\u{10FFFF}';
const PAGE_ROWS = 1000;

/** One page of a scope's objects by name, as a client sees directories in them. Fails with `ObjectError`. */
export async function listServed(ports: ListPorts, served: ServedScope, query: ListServed): Promise<ServedListing> {
  if (served.kind === 'profile' && !served.scope.source.capabilities.sortedListing) {
    const { name, source } = served.scope;
    throw new ObjectError('failed', { scope: name, name: '' }, `${source.name} lists its objects in no order`);
  }
  const { prefix, delimiter, limit, startAfter } = query;
  const objects: ServedEntry[] = [];
  const prefixes: string[] = [];
  const cutAt = (name: string): string | undefined => {
    const at = delimiter === undefined ? -1 : name.indexOf(delimiter, prefix.length);
    return at < 0 ? undefined : name.slice(0, at + (delimiter ?? '').length);
  };
  let last = startAfter;
  let after = isShownPrefix(startAfter, prefix, cutAt) ? startAfter + LAST : startAfter;
  for (;;) {
    let jumped = false;
    for await (const entry of entriesAfter(ports, served, { ...query, after })) {
      const shown = cutAt(entry.name);
      if (shown !== undefined && shown === last) continue;
      if (objects.length + prefixes.length === limit) return { objects, prefixes, next: last };
      last = shown ?? entry.name;
      if (shown === undefined) objects.push(entry);
      else {
        prefixes.push(shown);
        after = shown + LAST;
        jumped = true;
        break;
      }
    }
    if (!jumped) return { objects, prefixes, next: undefined };
  }
}

function isShownPrefix(text: string, prefix: string, cutAt: (name: string) => string | undefined): boolean {
  return text.startsWith(prefix) && cutAt(text) === text;
}

interface EntriesAfter extends Pick<ListServed, 'prefix' | 'limit' | 'signal' | 'showsLost'> {
  readonly after: string;
}

async function* entriesAfter(
  ports: ListPorts,
  served: ServedScope,
  { prefix, after, limit, signal, showsLost }: EntriesAfter,
): AsyncGenerator<ServedEntry> {
  if (served.kind === 'own') {
    const { name } = served.scope;
    const own = ownEntries(ports, name, { prefix, after, limit });
    if (showsLost !== true) return yield* own;
    return yield* withLost(own, await listLost(ports.catalog, name, { prefix, after, limit: limit + 1 }));
  }
  const startAfter = after === '' ? undefined : after;
  const listing = ports.objects.list({ scope: served.scope, prefix, startAfter, signal });
  for await (const { name, size, modifiedNs } of listing)
    if (compareKeys(name, after) > 0) yield { name, size, modifiedNs, entityTag: undefined };
  const [problem] = [...listing.unavailable.map(({ why }) => why), ...listing.unlisted.map(({ message }) => message)];
  // A listing with holes would be taken for a whole one.
  if (!listing.isComplete)
    throw new ObjectError(
      'unavailable',
      { scope: served.scope.name, name: prefix },
      `cannot be listed now: ${problem}`,
    );
}

/** An object of that very name comes before a version that is shown by it. */
async function* withLost(own: AsyncIterable<ServedEntry>, lost: readonly LostEntry[]): AsyncGenerator<ServedEntry> {
  let at = 0;
  for await (const entry of own) {
    for (let next = lost[at]; next !== undefined && compareKeys(next.name, entry.name) < 0; next = lost[++at])
      yield toEntry(next);
    if (lost[at]?.name === entry.name) at++;
    yield entry;
  }
  for (const next of lost.slice(at)) yield toEntry(next);
}

function toEntry({ name, version: { content, operation } }: LostEntry): ServedEntry {
  return { name, size: content.size, modifiedNs: content.modifiedNs, entityTag: entityTagOf(content, operation) };
}

async function* ownEntries(
  { catalog }: ListPorts,
  scope: string,
  { prefix, after, limit }: { readonly prefix: string; readonly after: string; readonly limit: number },
): AsyncGenerator<ServedEntry> {
  let at: string | undefined = after === '' ? undefined : after;
  const rows = Math.min(PAGE_ROWS, limit + 1);
  for (;;) {
    const page = await catalog.scanScope({
      scope,
      prefix,
      ...(at === undefined ? {} : { after: at }),
      limit: rows,
      stores: [],
      deleted: false,
      details: false,
    });
    const contents = await catalog.readContents(page.versionIds);
    for (const [index, name] of page.names.entries()) {
      const content = contents[index];
      if (content?.kind !== 'object') continue;
      const { size, modifiedNs } = content;
      yield { name, size, modifiedNs, entityTag: entityTagOf(content, undefined) };
    }
    if (page.next === undefined) return;
    at = page.next;
  }
}
