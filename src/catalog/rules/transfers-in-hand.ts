import { sql } from 'kysely';
import type { InHand } from '../../domain/transfer/transfer-limits.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { IN_HAND_MS_MAX } from './copies-in-hand.ts';

/**
 * What workers with limits or shares have under way; with it what was cancelled under them, until they have left it. What a worker that
 * is gone had counts until its lease runs out.
 */
export async function readTransfersInHand(session: Session): Promise<readonly InHand[]> {
  const now = nowMs(session);
  const { rows } = await sql<{ store: number; source: number | null; held: number }>`
    select store, source, cast(count(*) as ${sql.raw(session.engine.ddl.int)}) as held from request
    where lane is not null and owner is not null
      and ((state = 'SUBMITTED' and due_ms > ${now})
        or (state = 'CANCELLED' and updated_ms > ${now} - ${sql.lit(IN_HAND_MS_MAX)}))
    group by store, source`.execute(session.db);
  const { stores } = session.known;
  return Promise.all(
    rows.map(async ({ store, source, held }) => ({
      store: await stores.textOf(session, store),
      source: source === null ? undefined : await stores.textOf(session, source),
      count: held,
    })),
  );
}
