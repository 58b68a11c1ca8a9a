import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Peer } from '../../ports/journal.ts';
import type { Admitted } from '../../ports/peer-desk.ts';
import type { Hello } from '../../ports/peer-link.ts';
import { ITSELF } from './say-hello.ts';

export interface PeerGateGiven {
  readonly catalog: Pick<
    Catalog,
    'listPeers' | 'readPeerSecrets' | 'addPeer' | 'setPeer' | 'readSiteSecret' | 'listTokens'
  >;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Id of this site. */
  readonly own: string;
  /** Hashes of tokens that peers may show, by the name the peer gets. */
  readonly accepts: ReadonlyMap<string, string>;
  /** Whether whoever comes first is believed: only where nobody but this machine can come. */
  readonly pairs: () => Promise<boolean>;
}

/** What is kept of a token that has a name here: it is good as long as that is so. Of one that a peer brought itself there is only the hash. */
const NAMED = 'named:';
/** Who was admitted is admitted again without a look: what changes is heeded after this. */
const REMEMBERED_MS = 1_000;
const REMEMBERED_MAX = 1_000;

/** Who may speak here as which site (docs/sites.md, "Who may"). */
export class PeerGate {
  readonly #given: PeerGateGiven;
  /** When somebody was admitted, and as whom. */
  readonly #admitted = new Map<string, { readonly atMs: number; readonly admitted: Admitted }>();

  constructor(given: PeerGateGiven) {
    this.#given = given;
  }

  /** A peer that says hello is known by its site from its first time on, and by its token. */
  async meet(token: string | undefined, from: Hello): Promise<Admitted> {
    const { catalog, own, pairs } = this.#given;
    this.#admitted.clear();
    if (from.site === own) return refuse(ITSELF);
    const hash = token === undefined ? undefined : hashToken(token);
    const [peers, named] = await Promise.all([catalog.listPeers(), this.#namedTokens()]);
    const [name] = [...named].find(([, accepted]) => hash !== undefined && isSame(accepted, hash)) ?? [];
    const known = peers.find(({ site }) => site === from.site);
    if (known === undefined) {
      if (name === undefined && !(await pairs())) return refuse('the token is not known here');
      const called = name ?? `site-${from.site.slice(0, 8)}`;
      const added = { name: called, url: from.url, mode: 'async', scopes: undefined, direction: 'receive' } as const;
      await catalog.addPeer(added);
      const before = peers.find((peer) => peer.name === called);
      await this.#keep(before ?? added, from, name === undefined ? hash : `${NAMED}${hash}`);
      return admit(from.site);
    }
    const kept = (await catalog.readPeerSecrets(known.name))?.accepts;
    const expected = stillGood(kept, named);
    if (name !== undefined && (name === known.name || expected === undefined)) {
      if (isOfAnother(name, { peers, site: from.site })) return refuse('the token is not yours');
      await this.#keep(known, from, `${NAMED}${hash}`);
      return admit(from.site);
    }
    if (expected === undefined) {
      if (kept !== undefined || !(await pairs()))
        return refuse('this site has no token for you: name one in replication.accept');
    } else if (hash === undefined || !isSame(expected, hash)) return refuse('the token is not yours');
    await this.#keep(known, from, expected === undefined ? hash : undefined);
    return admit(from.site);
  }

  /** What has a name here: in the configuration, or by `pando token create --rights peer`. */
  async #namedTokens(): Promise<ReadonlyMap<string, string>> {
    const { accepts, catalog } = this.#given;
    const made = (await catalog.listTokens()).filter(
      ({ rights, scopes }) => rights.includes('peer') && scopes === undefined,
    );
    return new Map([...made.map(({ name, hash }) => [name, hash] as const), ...accepts]);
  }

  async #keep(
    { name, direction, url: said }: Pick<Peer, 'name' | 'direction' | 'url'>,
    { site, url, ticket }: Hello,
    accepts: string | undefined,
  ): Promise<void> {
    // Of one that is sent to, whoever added it has said how it is reached from here.
    const isTold = url !== undefined && (said === undefined || direction === 'receive');
    await this.#given.catalog.setPeer(name, {
      site,
      ...(isTold ? { url } : {}),
      ...(ticket === undefined ? {} : { ticket }),
      ...(accepts === undefined ? {} : { accepts }),
    });
  }

  /** By the token it came with, or a ticket this site gave it. */
  recognise(token: string | undefined): Promise<Admitted> {
    return this.#remembered(`shows ${token === undefined ? '' : hashToken(token)}`, () => this.#recognise(token));
  }

  async #remembered(key: string, look: () => Promise<Admitted>): Promise<Admitted> {
    const nowMs = this.#given.clock.monotonicMs();
    const known = this.#admitted.get(key);
    if (known !== undefined && nowMs - known.atMs < REMEMBERED_MS) return known.admitted;
    const admitted = await look();
    if (this.#admitted.size >= REMEMBERED_MAX) this.#admitted.clear();
    if (admitted.kind === 'admitted') this.#admitted.set(key, { atMs: nowMs, admitted });
    else this.#admitted.delete(key);
    return admitted;
  }

  async #recognise(token: string | undefined): Promise<Admitted> {
    const { catalog, pairs } = this.#given;
    if (token === undefined) return (await pairs()) ? admit(undefined) : refuse('a token is needed');
    const hash = hashToken(token);
    const [peers, named] = await Promise.all([catalog.listPeers(), this.#namedTokens()]);
    for (const { name, site } of peers) {
      if (site === undefined) continue;
      const expected = stillGood((await catalog.readPeerSecrets(name))?.accepts, named);
      if (expected !== undefined && isSame(expected, hash)) return admit(site);
      if (isSame(hashToken(await this.ticketFor(site)), hash)) return { kind: 'admitted', site, byTicket: true };
    }
    return refuse('the token is not known here: say hello first');
  }

  /** Whether one who showed no token may speak as a site: not as one that has shown any. */
  believe(site: string): Promise<Admitted> {
    return this.#remembered(`is ${site}`, () => this.#believe(site));
  }

  async #believe(site: string): Promise<Admitted> {
    const { catalog } = this.#given;
    const known = (await catalog.listPeers()).find((peer) => peer.site === site);
    const secrets = known && (await catalog.readPeerSecrets(known.name));
    return secrets?.accepts === undefined ? admit(undefined) : refuse('a token is needed to speak as this site');
  }

  /** What a site shows to fetch bytes here: nobody else can make it, and nothing has to be kept for it. */
  async ticketFor(site: string): Promise<string> {
    return createHmac('sha256', await this.#given.catalog.readSiteSecret())
      .update(site)
      .digest('hex');
  }
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The hash a peer has to show; undefined: there was none, or it was that of a token which has no name here any more. */
function stillGood(kept: string | undefined, named: ReadonlyMap<string, string>): string | undefined {
  if (kept?.startsWith(NAMED) !== true) return kept;
  const hash = kept.slice(NAMED.length);
  return [...named.values()].some((one) => isSame(one, hash)) ? hash : undefined;
}

function isOfAnother(
  name: string,
  { peers, site }: { readonly peers: readonly Peer[]; readonly site: string },
): boolean {
  return peers.some((peer) => peer.name === name && peer.site !== undefined && peer.site !== site);
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function admit(site: string | undefined): Admitted {
  return { kind: 'admitted', site, byTicket: false };
}

function refuse(why: string): Admitted {
  return { kind: 'refused', why };
}
