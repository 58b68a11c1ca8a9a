import { afterAll, beforeAll } from 'vitest';
import { openPostgres } from './shared.ts';

/** For `describe.each`: what must hold holds on both. */
export const CATALOGS = ['SQLite', 'PostgreSQL'] as const;

/** Within the `describe` of one: gives the URL of an empty catalog each time, undefined for an embedded one beside the stores. */
export function useCatalogs(kind: (typeof CATALOGS)[number]): () => Promise<string | undefined> {
  let server: Awaited<ReturnType<typeof openPostgres>> | undefined;
  beforeAll(async () => {
    if (kind === 'PostgreSQL') server = await openPostgres();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  return async () => server?.createCatalog();
}

/** Of a table's rows, those that one carries out: every second one, and in the soak each all of them. */
export function shareOf<T>(kind: (typeof CATALOGS)[number], rows: readonly T[]): readonly T[] {
  if (process.env['PANDO_SOAK'] === '1') return rows;
  return rows.filter((_, at) => at % CATALOGS.length === CATALOGS.indexOf(kind));
}
