import { isReplicated } from '../../domain/journal/replicated-scopes.ts';
import type { Session, SetStatement } from '../session.ts';
import { NO_SOURCE } from '../verbs/open-scope.ts';

const findTold: SetStatement = {
  columns: { id: 'int' },
  text: (rows) => `select s.id, s.name from ${rows} join scope s on s.id = r.id and s.source = ${NO_SOURCE}`,
};

/** Of these scopes those that peers are told of: what a profile's source holds is this site's own business (docs/sites.md). */
export async function readToldScopes(session: Session, scopes: Iterable<number>): Promise<ReadonlyMap<number, string>> {
  const asked = [...new Set(scopes)].map((id) => [id]);
  const rows = await session.all<[id: number, name: string]>(findTold, asked);
  return new Map(rows.filter(([, name]) => isReplicated(name)));
}

const findProfiles: SetStatement = {
  columns: { name: 'text' },
  text: (rows) => `select s.name from ${rows} join scope s on s.name = r.name and s.source <> ${NO_SOURCE}`,
};

/** Of these scopes those of profiles here: what peers write in them has no place at this site. */
export async function readProfileScopes(session: Session, names: Iterable<string>): Promise<ReadonlySet<string>> {
  const asked = [...new Set(names)].map((name) => [name]);
  return new Set((await session.all<[name: string]>(findProfiles, asked)).map(([name]) => name));
}

/** Why an entry is refused whose scope is such a one. */
export const PROFILE_HERE = 'its scope is that of a profile at this site: call one of the two otherwise';
