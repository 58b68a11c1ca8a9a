import type { KeyFilter } from '../../domain/transfer/key-filter.ts';
import type { ListingFailure } from '../../ports/storage.ts';

/**
 * Whether all that a listing could not show there is left out anyway, so that it is no failure (docs/sync.md, "Filters"). A name
 * that is not UTF-8 is judged as it is shown.
 */
export function isFailureExcluded(filter: KeyFilter, { protects, kind, shown }: ListingFailure): boolean {
  if (kind === 'not-utf8' && (filter.judge(shown) !== 'included' || filter.excludesBelow(`${shown}/`))) return true;
  if (!protects.endsWith('/')) return protects !== '' && filter.judge(protects) !== 'included';
  // A link that cannot be followed may have been meant as a file.
  return filter.excludesBelow(protects) || (kind === 'symlink' && filter.judge(protects.slice(0, -1)) !== 'included');
}
