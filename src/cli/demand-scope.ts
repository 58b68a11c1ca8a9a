import type { Configuration } from '../config/configuration.ts';
import { findProfile } from '../config/find-profile.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { suggest } from '../config/suggestion.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { Invocation } from './invocation.ts';

/** Syncs that are looked at for the names of scopes: more are not kept for long. */
const SYNCS_MAX = 1_000;

/** Refuses a name that means nothing here: an empty answer about it would read as if all were well. */
export async function demandScope(cli: Invocation, name: string): Promise<void> {
  const configuration = await cli.configuration();
  if (findProfile(configuration, name) !== undefined) return;
  const catalog = await (await cli.pando()).catalog();
  const scopes = await findScopes(configuration, catalog);
  if (scopes.includes(name) || (await hasAnything(catalog, name))) return;
  const message = `${JSON.stringify(name)} is neither a profile nor a scope of which the catalog knows anything`;
  throw new ConfigurationError([problemOutsideFiles('scope', message, suggest(name, scopes))]);
}

/** Profiles, and what rules and syncs were for. */
async function findScopes({ profiles }: Configuration, catalog: Catalog): Promise<readonly string[]> {
  const rules = await catalog.listStandingRules();
  const syncs = await catalog.listSyncs(SYNCS_MAX);
  return [...new Set([...Object.keys(profiles), ...[...rules, ...syncs].map(({ scope }) => scope)])];
}

async function hasAnything(catalog: Catalog, scope: string): Promise<boolean> {
  const events = await catalog.listEvents({ scope, limit: 1 });
  if (events.length > 0) return true;
  const page = await catalog.scanScope({ scope, prefix: '', limit: 1, stores: [], deleted: true, details: false });
  return page.names.length > 0;
}
