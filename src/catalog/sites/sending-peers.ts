import { GIVEN_UP } from '../codes.ts';
import type { Session } from '../session.ts';

/** A peer that is told of changes. */
export interface SendingPeer {
  readonly id: number;
  /** Its site's id, once it was heard of. */
  readonly site: string | null;
  /** Numbers of scopes; undefined: all. */
  readonly scopes: ReadonlySet<string> | undefined;
  /** Its queue is given up: a comparison will find what it lacks. */
  readonly isGivenUp: boolean;
}

/** Read inside the transaction that makes a change: a peer that was added before it is told of it. */
export async function readSendingPeers(session: Session): Promise<readonly SendingPeer[]> {
  const rows = await session.db
    .selectFrom('peer')
    .where('direction', '<>', 'receive')
    .select(['id', 'site', 'scopes', 'resync'])
    .orderBy('id')
    .execute();
  return rows.map(({ id, site, scopes, resync }) => ({
    id,
    site,
    isGivenUp: resync === GIVEN_UP,
    scopes: scopes === null ? undefined : new Set(JSON.parse(scopes) as string[]),
  }));
}
