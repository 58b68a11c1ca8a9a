import { isReplicated } from '../../domain/journal/replicated-scopes.ts';
import type { Session } from '../session.ts';
import { NO_SOURCE } from '../verbs/open-scope.ts';

/** Of these scopes those that peers are told of: what a profile's source holds is this site's own business (docs/sites.md). */
export async function readToldScopes({ db }: Session, scopes: Iterable<number>): Promise<ReadonlyMap<number, string>> {
  const rows = await db
    .selectFrom('scope')
    .where('id', 'in', [...new Set(scopes)])
    .where('source', '=', NO_SOURCE)
    .select(['id', 'name'])
    .execute();
  return new Map(rows.filter(({ name }) => isReplicated(name)).map(({ id, name }) => [id, name]));
}

/** Of these scopes those of profiles here: what peers write in them has no place at this site. */
export async function readProfileScopes({ db }: Session, names: Iterable<string>): Promise<ReadonlySet<string>> {
  const asked = [...new Set(names)];
  if (asked.length === 0) return new Set();
  const rows = await db
    .selectFrom('scope')
    .where('name', 'in', asked)
    .where('source', '<>', NO_SOURCE)
    .select('name')
    .execute();
  return new Set(rows.map(({ name }) => name));
}

/** Why an entry is refused whose scope is such a one. */
export const PROFILE_HERE = 'its scope is that of a profile at this site: call one of the two otherwise';
