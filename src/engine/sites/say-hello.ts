import type { Catalog } from '../../ports/catalog.ts';
import type { Lives } from '../../ports/journal.ts';
import { type Hello, PeerError, type PeerLink } from '../../ports/peer-link.ts';
import type { Telling } from '../../ports/telling.ts';

export interface HelloPorts {
  readonly catalog: Pick<
    Catalog,
    'listPeers' | 'readLife' | 'readActors' | 'readPeerReceipt' | 'noticeKnown' | 'setPeer'
  >;
  readonly link: Pick<PeerLink, 'hello'>;
  readonly telling?: Telling | undefined;
}

/** What a peer answered. `lives` undefined: it is of before there were any. */
export interface Met {
  readonly site: string;
  readonly lives: Lives | undefined;
}

/**
 * Says hello to a peer: who it is, in which life, and what it knows of this site's actors. Where that is more than was given out here this
 * catalog is an older copy of itself, and writes as somebody else from then on. A peer that has taken less than it had answered is one, too,
 * and is compared. Fails with a `PeerError`.
 */
export async function sayHello(
  { catalog, link, telling }: HelloPorts,
  { own, peer, signal }: { readonly own: Hello; readonly peer: string; readonly signal: AbortSignal },
): Promise<Met> {
  const [life, actors, before] = await Promise.all([
    catalog.readLife(),
    catalog.readActors(),
    catalog.readPeerReceipt(peer),
  ]);
  const { site, life: there, known, receipt = 0 } = await link.hello({ ...own, life, actors }, signal);
  await demandAnother(catalog, { own: own.site, peer, site });
  if (known !== undefined && (await catalog.noticeKnown(known)))
    telling?.info?.('this catalog is older than what a peer knows of it: it goes on under a new incarnation', { peer });
  await catalog.setPeer(peer, {
    site,
    state: 'active',
    lastError: undefined,
    ...(there === undefined ? {} : { life: there }),
    ...(before !== undefined && receipt >= before ? {} : { needsResync: true, receipt }),
  });
  return { site, lives: life === undefined || there === undefined ? undefined : { from: life, to: there } };
}

/** Fails where nothing is to be sent: the peer is this site, or one that another peer is by an older entry. */
async function demandAnother(
  catalog: Pick<Catalog, 'listPeers'>,
  { own, peer, site }: { readonly own: string; readonly peer: string; readonly site: string },
): Promise<void> {
  if (site === own) throw new PeerError('refused', ITSELF);
  const followed = (await catalog.listPeers())
    .filter((one) => one.name === peer || (one.site === site && one.direction !== 'receive'))
    .sort((a, b) => a.createdMs - b.createdMs || (a.name < b.name ? -1 : 1));
  const [first] = followed;
  if (first !== undefined && first.name !== peer)
    throw new PeerError('refused', `it is the same site as the peer ${first.name}: pando peer rm ${peer}`);
}

/** What becomes of a site that is told to follow itself. */
export const ITSELF = 'it is this site itself, or a copy of its catalog: pando peer rm it';
