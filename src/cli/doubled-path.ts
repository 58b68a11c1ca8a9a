import type { TargetTree } from '../client/choose-targets.ts';
import { storePlace } from '../config/place.ts';
import type { Target } from '../config/resolve-target.ts';
import { escapeKey } from '../domain/object/key.ts';

/** Warnings of targets that end as the path of the source does: somebody may not have meant to say it twice. */
export function warnOfDoubledPaths(source: Target, targets: readonly TargetTree[]): string[] {
  const path = source.path.replace(/\/+$/, '');
  if (path === '') return [];
  const ending = `/${path.split('/').map(encodeURIComponent).join('/')}/`;
  const shown = escapeKey(path);
  return targets
    .filter(({ profile }) => storePlace(profile.storage).endsWith(ending))
    .map(
      ({ title }) =>
        `${escapeKey(title)} ends in ${shown}, and names keep their whole path: it gets ${shown}/${shown}/…; name the directory above it if that is not meant`,
    );
}
