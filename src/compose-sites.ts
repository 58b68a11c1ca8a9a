import type { Pando } from './compose.ts';
import { OperationIds } from './engine/operation-ids.ts';
import { type Compared, compareSites, type Different } from './engine/sites/compare-sites.ts';
import { HttpPeerLink } from './peers/http-peer-link.ts';
import type { Peer } from './ports/journal.ts';
import { PEER_PROTOCOL, PeerError } from './ports/peer-link.ts';

export type { Compared, Different } from './engine/sites/compare-sites.ts';

const IDLE_MS = 30_000;

/** `unreachable`: it could not be asked; nothing is known then. */
export type PeerCompared =
  | ({ readonly kind: 'compared' } & Compared)
  | { readonly kind: 'unreachable'; readonly why: string };

/** Compares this site with a peer by digests, as resync does; nothing is changed at either. */
export async function comparePeer(
  pando: Pick<Pando, 'catalog'>,
  peer: Peer,
  {
    scopes,
    signal,
    onDifferent,
  }: {
    readonly scopes: readonly string[] | undefined;
    readonly signal: AbortSignal;
    readonly onDifferent: (objects: readonly Different[]) => void;
  },
): Promise<PeerCompared> {
  if (peer.url === undefined) return { kind: 'unreachable', why: `nobody knows where ${peer.name} is` };
  const catalog = await pando.catalog();
  const secrets = await catalog.readPeerSecrets(peer.name);
  await using link = new HttpPeerLink({
    url: peer.url,
    token: secrets?.presents ?? secrets?.ticket,
    idleMs: IDLE_MS,
  });
  try {
    const { id: site } = await catalog.site();
    // A ticket is for questions only: who shows it is known by it, and says no hello.
    if (secrets?.presents !== undefined) await link.hello({ protocol: PEER_PROTOCOL, site, url: undefined }, signal);
    const tell = async (found: readonly Different[]): Promise<void> => onDifferent(found);
    const asked = { scopes: scopes ?? peer.scopes, signal, bothWays: true, onDifferent: tell };
    return { kind: 'compared', ...(await compareSites({ catalog, link }, asked)) };
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return { kind: 'unreachable', why: error.message };
  }
}

/** Takes away all that this site has of a scope without a source; peers are told. Undefined: nobody has heard of it. */
export async function purgeOwn(
  pando: Pick<Pando, 'catalog' | 'clock' | 'random'>,
  scope: string,
): Promise<number | undefined> {
  const { clock, random } = pando;
  return (await pando.catalog()).purgeScope(scope, new OperationIds(clock, random).next());
}
