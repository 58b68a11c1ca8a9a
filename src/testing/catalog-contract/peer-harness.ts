import type { VersionEntry } from '../../domain/journal/entry.ts';
import type { NewPeer, Outgoing, StreamLease } from '../../ports/journal.ts';
import type { CatalogContract } from './harness.ts';

export const SITE_B = '00000000000000b0';
export const SITE_C = '00000000000000c0';
export const SITE_D = '00000000000000d0';
export const PEER: NewPeer = {
  name: 'b',
  url: 'http://b.example',
  direction: 'both',
  mode: 'async',
  scopes: undefined,
};

/** What was passed over a moment ago is not compared yet. */
export const LATER_MS = 3_600_000;

export function queued({ catalog }: CatalogContract, peer = 'b'): Promise<readonly Outgoing[]> {
  return catalog.readOutbox({ peer, after: [], limit: 100 });
}

export async function hold({ catalog }: CatalogContract): Promise<StreamLease> {
  const lease = await catalog.holdStream('b', 'me', 60_000);
  if (lease === undefined) throw new Error('the stream is held by somebody');
  return lease;
}

export async function peerNamed({ catalog }: CatalogContract, name: string) {
  return (await catalog.listPeers()).find((peer) => peer.name === name);
}

export function versionOf(outgoing: Outgoing | undefined): VersionEntry {
  if (outgoing?.entry.kind !== 'version') throw new Error('no version is queued');
  return outgoing.entry;
}

export function positionOf(outgoing: Outgoing | undefined): Pick<Outgoing, 'slot' | 'position'> {
  if (outgoing === undefined) throw new Error('nothing is queued');
  return { slot: outgoing.slot, position: outgoing.position };
}

/** As a comparison leaves it that has found nothing. */
export async function compared({ catalog }: CatalogContract, peer = 'b'): Promise<void> {
  const begun = await catalog.beginResync(peer, LATER_MS);
  if (begun === undefined || !(await catalog.endResync(peer, begun))) throw new Error(`${peer} was not to be compared`);
}
