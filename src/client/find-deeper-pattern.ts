import type { Catalog } from '../ports/catalog.ts';
import { type DefaultScope, isPattern, parseNamePattern } from './object-names.ts';

/** Names that are looked at: what is only a hint is worth one page. */
const NAMES_MAX = 1_000;

/** `2023/**` for a `2023/*` below which all lies deeper: the pattern that would match something; undefined: none is known. */
export async function findDeeperPattern(
  catalog: Pick<Catalog, 'scanScope'>,
  written: string,
  defaultScope: DefaultScope,
): Promise<string | undefined> {
  const slash = written.lastIndexOf('/');
  if (slash < 0 || !isPattern(written) || written.includes('**')) return undefined;
  const last = written.slice(slash + 1);
  if (last === '') return undefined;
  const deeper = `${written.slice(0, slash)}/**${last === '*' ? '' : `/${last}`}`;
  const { scope, prefix, matches } = parseNamePattern(deeper, defaultScope);
  const page = await catalog.scanScope({ scope, prefix, limit: NAMES_MAX, stores: [], deleted: false, details: false });
  return page.names.some((name) => matches(name)) ? deeper : undefined;
}
