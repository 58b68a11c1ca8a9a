import { afterAll, beforeAll } from 'vitest';
import type { Databases } from './postgres.ts';
import { openPostgres } from './shared.ts';

/** For `describe.each`: what must hold holds on both. */
export const CATALOGS = ['SQLite', 'PostgreSQL'] as const;

/** Within the `describe` of one: gives the URL of an empty catalog each time, undefined for an embedded one beside the stores. */
export function useCatalogs(kind: (typeof CATALOGS)[number]): () => Promise<string | undefined> {
  let server: Databases | undefined;
  beforeAll(async () => {
    if (kind === 'PostgreSQL') server = await openPostgres();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  return async () => server?.createDatabase();
}
