import type { AwaitedPeer, AwaitedWrite, SyncPeer } from '../../ports/peer-queues.ts';
import { DEAD, GIVEN_UP, IN_LINE } from '../codes.ts';
import { encodeOperation } from '../content.ts';
import type { Session, SetStatement } from '../session.ts';

export async function listSyncPeers({ db }: Session): Promise<readonly SyncPeer[]> {
  const rows = await db
    .selectFrom('peer')
    .where('mode', '=', 'sync')
    .where('direction', '<>', 'receive')
    .select(['id', 'name', 'scopes', 'marks', 'resync'])
    .orderBy('name')
    .execute();
  return rows.map(({ id, name, scopes, marks, resync }) => ({
    id,
    name,
    marks,
    scopes: decodeScopes(scopes),
    isGivenUp: resync === GIVEN_UP,
  }));
}

/** The versions of a write: what was asked for at two sites has made two. */
const versions = `from scope s join object o on o.scope = s.id and o.name = r.name
     join version v on v.id in (
       select o.current union all select b.id from version b where b.superseded = 1 and b.object = o.id)`;

/**
 * One statement: what is in the queue of a peer, and what is known of the peer, are of one moment. Of several entries the worst counts. What
 * was written elsewhere may have been told to the peer by others, or not, so that nothing follows from a queue without it.
 */
const find: SetStatement = {
  columns: { i: 'int', scope: 'text', name: 'text', operation: 'bytes', whole: 'int' },
  text: (rows) =>
    `select r.i, p.id, p.name, p.scopes, p.marks, p.resync, p.state,
       (select max(x.state) ${versions} join journal j on j.version = v.id
          join outbox x on x.peer = p.id and x.slot = j.slot and x.position = j.position
        where s.name = r.scope and (v.operation = r.operation or r.whole = 1)),
       (select count(*) ${versions} where s.name = r.scope and v.operation = r.operation and v.origin is null)
     from ${rows} join peer p on p.mode = 'sync' and p.direction <> 'receive' order by r.i, p.name`,
};

type Row = readonly [
  at: number,
  id: number,
  name: string,
  scopes: string | null,
  marks: number,
  resync: number,
  state: string,
  queued: number | null,
  madeHere: number,
];

export async function readAwaited(
  session: Session,
  writes: readonly AwaitedWrite[],
): Promise<readonly (readonly AwaitedPeer[])[]> {
  const rows = await session.all<Row>(
    find,
    writes.map(({ scope, name, operation, ofObject }, at) => [
      at,
      scope,
      name,
      encodeOperation(operation),
      ofObject ? 1 : 0,
    ]),
  );
  const peers: AwaitedPeer[][] = writes.map(() => []);
  for (const [at, id, name, scopes, marks, resync, state, queued, madeHere] of rows) {
    const isGivenUp = resync === GIVEN_UP;
    peers[at]?.push({
      id,
      name,
      marks,
      isGivenUp,
      scopes: decodeScopes(scopes),
      queue: queueOf(queued),
      isAway: state === 'parked' || isGivenUp,
      isSettled: resync === IN_LINE && madeHere > 0,
    });
  }
  return peers;
}

function queueOf(state: number | null): AwaitedPeer['queue'] {
  if (state === null) return 'nothing';
  return state < DEAD ? 'waits' : 'refused';
}

export function decodeScopes(text: string | null): readonly string[] | undefined {
  return text === null ? undefined : (JSON.parse(text) as string[]);
}
