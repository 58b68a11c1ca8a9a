import { GIVEN_UP } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';

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

const list: SetStatement = {
  columns: { one: 'int' },
  text: (rows) =>
    `select p.id, p.site, p.scopes, p.resync from ${rows} join peer p on p.direction <> 'receive' order by p.id`,
};

type PeerRow = readonly [id: number, site: string | null, scopes: string | null, resync: number];

/** Read inside the transaction that makes a change: a peer that was added before it is told of it. */
export async function readSendingPeers(session: Session): Promise<readonly SendingPeer[]> {
  const rows = await session.all<PeerRow>(list, [[0]]);
  return rows.map(([id, site, scopes, resync]) => ({
    id,
    site,
    isGivenUp: resync === GIVEN_UP,
    scopes: scopes === null ? undefined : new Set(JSON.parse(scopes) as string[]),
  }));
}
