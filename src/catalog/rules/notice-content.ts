import { OBJECT, TOMBSTONE } from '../codes.ts';
import type { Accepted } from '../record/decide-change.ts';
import { keysOf } from '../record/find-objects.ts';
import type { Session } from '../session.ts';
import { rulesOfObjects, rulesOfPatterns } from './rules-of.ts';
import { tellContentChanged } from './tell-rule.ts';

/**
 * Objects that were not there before, or were deleted, are content that came to rules: to those with a pattern for their names, and
 * to those that name them or hold them in a collection. Their locks are made when the rules are applied.
 */
export async function noticeContent(session: Session, accepted: readonly Accepted[]): Promise<void> {
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
