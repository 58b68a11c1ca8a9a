import { HttpError } from './http-error.ts';
import { type Exchange, jsonReply, type Route } from './route.ts';

/** What an administrator can ask about the sites this one replicates with. */
export interface ReplicationDesk {
  status(): Promise<unknown>;
  /** Undefined: there is no such peer. */
  showPeer(name: string): Promise<unknown>;
  listDeadLetters(): Promise<unknown>;
  /** How many entries wait again, or are given up. */
  settleDeadLetters(to: 'waiting' | 'withheld'): Promise<number>;
}

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
    answers: [200],
    handle: async () => jsonReply({ entries: await desk.settleDeadLetters(to) }),
  });
  return [
    told('/admin/replication/status', 'What is queued for other sites, and how far they are', () => desk.status()),
    told('/admin/replication/peers/{id}', 'All that is known of a peer', ({ params }) =>
      peer(desk, params['id'] ?? ''),
    ),
    told('/admin/replication/dead-letters', 'What peers have refused', () => desk.listDeadLetters()),
    settled('/admin/replication/dead-letters/replay', 'Send once more what peers have refused', 'waiting'),
    settled('/admin/replication/dead-letters/discard', 'Give up what peers have refused', 'withheld'),
  ];
}

async function peer(desk: ReplicationDesk, name: string): Promise<unknown> {
  const found = await desk.showPeer(name);
  if (found === undefined) throw new HttpError(404, 'not-found', `there is no peer ${JSON.stringify(name)}`);
  return found;
}
