import { HttpError } from './http-error.ts';
import { type Exchange, jsonReply, type Route } from './route.ts';

/** What an administrator can ask about the sites this one replicates with. */
export interface ReplicationDesk {
  status(): Promise<unknown>;
  /** Undefined: there is no such peer. */
  showPeer(name: string): Promise<unknown>;
  /** Of one peer, or of all. */
  listDeadLetters(peer: string | undefined): Promise<unknown>;
  /** How many entries wait again, or are given up. */
  settleDeadLetters(to: 'waiting' | 'withheld', peer: string | undefined): Promise<number>;
  /** A page of objects that were written at several sites without knowing of each other. */
  listConflicts(query: ConflictQuery): Promise<unknown>;
  /** False: there is no such peer, or nothing is sent to it. */
  resync(name: string): Promise<boolean>;
}

export interface ConflictQuery {
  readonly scope: string | undefined;
  /** `scope/name`, as the page before said. */
  readonly after: string | undefined;
  readonly limit: number;
}

const ONE_PEER = { peer: 'only of this peer' };
const CONFLICTS_MAX = 1_000;

export function replicationRoutes(desk: ReplicationDesk): readonly Route[] {
  const told = (path: string, summary: string, tell: (exchange: Exchange) => Promise<unknown>): Route => ({
    method: 'GET',
    path,
    summary,
    right: 'admin',
    answers: [200, 404],
    handle: async (exchange) => jsonReply(await tell(exchange)),
  });
  const settled = (path: string, summary: string, to: 'waiting' | 'withheld'): Route => ({
    method: 'POST',
    path,
    summary,
    right: 'admin',
    query: ONE_PEER,
    answers: [200],
    handle: async ({ query }) => jsonReply({ entries: await desk.settleDeadLetters(to, query.get('peer')) }),
  });
  return [
    told('/admin/replication/status', 'What is queued for other sites, and how far they are', () => desk.status()),
    told('/admin/replication/peers/{id}', 'All that is known of a peer', ({ params }) =>
      peer(desk, params['id'] ?? ''),
    ),
    {
      method: 'POST',
      path: '/admin/replication/peers/{id}/resync',
      summary: 'Compare a peer with this site, and send it what it lacks',
      right: 'admin',
      answers: [202, 404],
      handle: async ({ params }) => {
        const id = params['id'] ?? '';
        if (!(await desk.resync(id))) throw noPeer(id);
        return jsonReply({ peer: id }, 202);
      },
    },
    {
      ...told(
        '/admin/conflicts',
        'Objects that were written at several sites without knowing of each other',
        ({ query }) =>
          desk.listConflicts({
            scope: query.get('scope'),
            after: query.get('after'),
            limit: readLimit(query.get('limit')),
          }),
      ),
      query: {
        scope: 'only of this scope',
        after: 'after this object',
        limit: `so many at most, ${CONFLICTS_MAX} unless it says less`,
      },
      answers: [200, 400],
    },
    {
      ...told('/admin/replication/dead-letters', 'What peers have refused', ({ query }) =>
        desk.listDeadLetters(query.get('peer')),
      ),
      query: ONE_PEER,
    },
    settled('/admin/replication/dead-letters/replay', 'Send once more what peers have refused', 'waiting'),
    settled('/admin/replication/dead-letters/discard', 'Give up what peers have refused', 'withheld'),
  ];
}

async function peer(desk: ReplicationDesk, name: string): Promise<unknown> {
  const found = await desk.showPeer(name);
  if (found === undefined) throw noPeer(name);
  return found;
}

function noPeer(name: string): HttpError {
  return new HttpError(404, 'not-found', `there is no peer ${JSON.stringify(name)}`);
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return CONFLICTS_MAX;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1)
    throw new HttpError(400, 'invalid-query', 'limit must be a whole number from 1');
  return Math.min(Number(text), CONFLICTS_MAX);
}
