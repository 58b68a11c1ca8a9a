import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Peer } from '../../ports/journal.ts';
import { type Hello, PeerError, type PeerLink } from '../../ports/peer-link.ts';
import type { Telling } from '../../ports/telling.ts';
import { sayHello } from './say-hello.ts';

export interface MeetPorts {
  readonly catalog: Pick<
    Catalog,
    'listPeers' | 'readLife' | 'readActors' | 'readPeerReceipt' | 'noticeKnown' | 'renewActors' | 'setPeer'
  >;
  readonly clock: Pick<Clock, 'alarm'>;
  /** The way to a peer that has an address. */
  readonly linkTo: (peer: Peer) => Promise<PeerLink>;
  readonly telling?: Telling | undefined;
}

/** Peers that have not answered by then are not waited for. */
const PATIENCE_MS = 2_000;

/**
 * What a site does before its first write (docs/sites.md, "Restored catalogs"): its catalog may be an older copy of what it was, and its
 * peers know. Those that do not answer cannot be asked: what they may know is shadowed by nothing that is written under another
 * incarnation.
 */
export async function meetPeers(
  ports: MeetPorts,
  { own, signal }: { readonly own: Hello; readonly signal: AbortSignal },
): Promise<void> {
  const { catalog } = ports;
  const told = (await catalog.listPeers()).filter(({ direction, url }) => direction !== 'receive' && url !== undefined);
  const answered = await Promise.all(told.map((peer) => meet(ports, peer, { own, signal })));
  if (answered.includes(false)) await catalog.renewActors();
}

async function meet(
  { catalog, clock, linkTo, telling }: MeetPorts,
  peer: Peer,
  { own, signal: stop }: { readonly own: Hello; readonly signal: AbortSignal },
): Promise<boolean> {
  const late = new AbortController();
  const takeBack = clock.alarm(PATIENCE_MS, () => late.abort());
  try {
    const signal = AbortSignal.any([stop, late.signal]);
    await sayHello({ catalog, link: await linkTo(peer), telling }, { own, peer: peer.name, signal });
    return true;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return false;
  } finally {
    takeBack();
  }
}
