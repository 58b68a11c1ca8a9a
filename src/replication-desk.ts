import { listConflicts } from './client/conflicts.ts';
import { peerStatus, replicationStatus } from './client/replication-status.ts';
import type { Pando } from './compose.ts';
import type { ReplicationSettings } from './config/configuration.ts';
import type { Catalog } from './ports/catalog.ts';
import type { DeadLetter, Position } from './ports/journal.ts';
import type { ReplicationDesk } from './server/replication-routes.ts';

/** Refused entries that are told of, or settled, at once. */
const LETTERS = 1_000;

export function openReplicationDesk(pando: Pando, settings: ReplicationSettings | undefined): ReplicationDesk {
  const catalog = (): Promise<Catalog> => pando.catalog();
  const nowMs = (): number => pando.clock.nowMs();
  return {
    async status() {
      return replicationStatus(await (await catalog()).listPeers(), settings?.enabled !== false, nowMs());
    },
    async showPeer(name) {
      const peers = await (await catalog()).listPeers();
      const found = peers.find((peer) => peer.name === name || peer.site === name);
      return found && peerStatus(found, nowMs());
    },
    async resync(name) {
      const known = await catalog();
      const found = (await known.listPeers()).find((peer) => peer.name === name || peer.site === name);
      // Nothing is sent to one that only tells us.
      if (found === undefined || found.direction === 'receive') return false;
      return known.setPeer(found.name, { needsResync: true });
    },
    async listConflicts({ scope, after, limit }) {
      const slash = after?.indexOf('/') ?? -1;
      const from =
        after === undefined ? undefined : { scope: after.slice(0, Math.max(0, slash)), name: after.slice(slash + 1) };
      const { conflicts, next } = await listConflicts(pando, { scope, after: from, limit });
      return { conflicts, ...(next === undefined ? {} : { next: `${next.scope}/${next.name}` }) };
    },
    async listDeadLetters(only) {
      const letters = [];
      for await (const { peer, letter } of deadLetters(await catalog(), only)) letters.push({ peer, ...letter });
      return letters;
    },
    async settleDeadLetters(to, only) {
      const known = await catalog();
      const found = new Map<string, Position[]>();
      for await (const { peer, letter } of deadLetters(known, only)) {
        const positions = found.get(peer) ?? [];
        positions.push({ slot: letter.slot, position: letter.position });
        found.set(peer, positions);
      }
      let settled = 0;
      for (const [peer, positions] of found) settled += await known.settleDeadLetters(peer, positions, to);
      return settled;
    },
  };
}

async function* deadLetters(
  catalog: Catalog,
  only: string | undefined,
): AsyncGenerator<{ readonly peer: string; readonly letter: DeadLetter }> {
  for (const { name: peer, site } of await catalog.listPeers()) {
    if (only !== undefined && only !== peer && only !== site) continue;
    let after: Position | undefined;
    do {
      const page: readonly DeadLetter[] = await catalog.listDeadLetters({
        peer,
        limit: LETTERS,
        ...(after === undefined ? {} : { after }),
      });
      for (const letter of page) yield { peer, letter };
      after = page.length < LETTERS ? undefined : page.at(-1);
    } while (after !== undefined);
  }
}

/** Peers that the configuration names are peers from then on; what was said of them by commands stays. */
export async function declarePeers(catalog: Catalog, settings: ReplicationSettings): Promise<void> {
  const { remoteUrl, remoteToken, mode, peers } = settings;
  const remote =
    remoteUrl === undefined
      ? []
      : [{ id: 'remote', url: remoteUrl, token: remoteToken, scopes: undefined, mode, direction: 'send' as const }];
  const known = new Map((await catalog.listPeers()).map((peer) => [peer.name, peer]));
  for (const { id: name, url, token: presents, scopes, mode: way, direction } of [...remote, ...peers]) {
    const said = { url, direction, mode: way, scopes };
    if (!known.has(name)) await catalog.addPeer({ name, ...said, presents });
    else
      await catalog.setPeer(name, {
        url,
        direction,
        mode: way,
        ...(scopes === undefined ? {} : { scopes }),
        ...(presents === undefined ? {} : { presents }),
      });
  }
}
