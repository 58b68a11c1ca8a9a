import type { Catalog } from '../../ports/catalog.ts';
import type { Lives } from '../../ports/journal.ts';
import type { Hello, PeerLink } from '../../ports/peer-link.ts';
import type { Telling } from '../../ports/telling.ts';

export interface HelloPorts {
  readonly catalog: Pick<Catalog, 'readLife' | 'readActors' | 'readPeerReceipt' | 'noticeKnown' | 'setPeer'>;
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
