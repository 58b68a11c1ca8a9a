import type { Catalog } from '../ports/catalog.ts';
import type { RuleQuery, RuleRecord } from '../ports/rules.ts';

/** Rows of a page; memory holds one. */
const PAGE_ROWS = 1_000;

/** By their numbers. */
export async function* walkRules(
  catalog: Pick<Catalog, 'listRules'>,
  query: Omit<RuleQuery, 'after' | 'limit'> = {},
): AsyncGenerator<RuleRecord> {
  for (let after: number | undefined; ; ) {
    const page = await catalog.listRules({ ...query, limit: PAGE_ROWS, ...(after === undefined ? {} : { after }) });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < PAGE_ROWS || after === undefined) return;
  }
}
