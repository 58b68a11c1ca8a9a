import { OBJECT, TOMBSTONE } from '../codes.ts';
import { keysOf, type Named } from '../record/find-objects.ts';
import type { Session } from '../session.ts';
import { rulesOfObjects, rulesOfPatterns } from './rules-of.ts';
import { tellContentChanged } from './tell-rule.ts';

/** An object as it was before a change, and what the change makes it. */
export interface Changed {
  readonly encoded: { readonly change: Named; readonly content: readonly [kind: number, ...unknown[]] };
  readonly found: { readonly id: number; readonly current: { readonly kind: number } } | undefined;
}

/**
 * Objects that were not there before, or were deleted, are content that came to rules: to those with a pattern for their names, and
 * to those that name them or hold them in a collection. Their locks are made when the rules are applied.
 */
export async function noticeContent(session: Session, accepted: readonly Changed[]): Promise<void> {
  const came = accepted.filter(
    ({ encoded, found }) => encoded.content[0] === OBJECT && (found === undefined || found.current.kind === TOMBSTONE),
  );
  if (came.length === 0) return;
  const names = await keysOf(
    session,
    came.map(({ encoded }) => encoded.change),
  );
  const returned = came.flatMap(({ found }) => (found === undefined ? [] : [found.id]));
  await tellContentChanged(session, [
    ...(await rulesOfPatterns(session, names)),
    ...(await rulesOfObjects(session, returned)),
  ]);
}
