import { escapeKey } from '../domain/object/key.ts';
import type { Catalog, EventRecord } from '../ports/catalog.ts';

const PAGE_ROWS = 1_000;

/** The last events, oldest first. The catalog keeps a bounded number of them, so all are walked. */
export async function readLatestEvents(
  catalog: Pick<Catalog, 'listEvents'>,
  { limit, scope }: { readonly limit: number; readonly scope?: string | undefined },
): Promise<readonly EventRecord[]> {
  let latest: EventRecord[] = [];
  for (let after = 0; ; ) {
    const page = await catalog.listEvents({ after, limit: PAGE_ROWS, ...(scope === undefined ? {} : { scope }) });
    latest = [...latest, ...page].slice(-limit);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return latest;
    after = last.id;
  }
}

export function describeEvent({ atMs, kind, scope, name, store, detail }: EventRecord, as = 'event'): string {
  const what = name === undefined ? scope : `${scope}:${escapeKey(name)}`;
  const where = store === undefined ? '' : ` at ${store}`;
  return `${as}: ${new Date(atMs).toISOString()} ${kind} ${what}${where}: ${detail}`;
}
