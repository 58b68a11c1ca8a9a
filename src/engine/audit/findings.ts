import type { AuditCatalog, AuditFinding } from '../../ports/audits.ts';
import type { ShownFinding } from './audit-types.ts';

/** Findings of one step: acted on and settled in one transaction. */
const PAGE_FINDINGS = 256;

/** All findings of a store's audit, page by page in the order of keys. What is settled meanwhile is behind. */
export async function* pagesOfFindings(
  catalog: Pick<AuditCatalog, 'listFindings'>,
  store: string,
): AsyncGenerator<readonly AuditFinding[]> {
  let after: AuditFinding | undefined;
  for (;;) {
    const page = await catalog.listFindings(store, {
      limit: PAGE_FINDINGS,
      ...(after === undefined ? {} : { after: { key: after.key, kind: after.kind } }),
    });
    if (page.length > 0) yield page;
    if (page.length < PAGE_FINDINGS) return;
    after = page.at(-1);
  }
}

export function showFinding({ kind, key, object, bytes, detail }: AuditFinding): ShownFinding | undefined {
  if (kind === 'hidden') return undefined;
  return { kind, key, scope: object?.scope, name: object?.name, bytes, detail };
}
