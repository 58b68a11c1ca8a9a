import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Peer } from '../../ports/journal.ts';
import type { Admitted } from '../../ports/peer-desk.ts';
import type { Hello } from '../../ports/peer-link.ts';
import { ITSELF } from './say-hello.ts';

export interface PeerGateGiven {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly catalog: Pick<
    Catalog,
    'listPeers' | 'readPeerSecrets' | 'addPeer' | 'setPeer' | 'readSiteSecret' | 'listTokens'
  >;
  /** Id of this site. */
  readonly own: string;
  /** Hashes of tokens that peers may show, by the name the peer gets. */
  readonly accepts: ReadonlyMap<string, string>;
  /** Whether whoever comes first is believed: only where nobody but this machine can come. */
  readonly pairs: () => Promise<boolean>;
}

/** What is kept of a token that has a name here: it is good as long as that is so. Of one that a peer brought itself there is only the hash. */
const NAMED = 'named:';

/** A token that is revoked is good no longer than this. */
const LOOKED_MS = 1_000;

interface Looked {
  readonly met: readonly Met[];
  readonly pairs: boolean;
}

/** A site that has said hello, and hashes of what it shows. */
interface Met {
  readonly site: string;
  readonly hasShown: boolean;
  readonly accepts: string | undefined;
  readonly ticket: string;
}

/** Who may speak here as which site (docs/sites.md, "Who may"). */
export class PeerGate {
  readonly #given: PeerGateGiven;
  #looked: Promise<Looked> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(given: PeerGateGiven) {
    this.#given = given;
  }

  /** A peer that says hello is known by its site from its first time on, and by its token. */
  async meet(token: string | undefined, from: Hello): Promise<Admitted> {
    const { catalog, own, pairs } = this.#given;
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
    this.#looked = undefined;
  }

  /** By the token it came with, or a ticket this site gave it. */
  async recognise(token: string | undefined): Promise<Admitted> {
    if (token === undefined) return (await this.#look()).pairs ? admit(undefined) : refuse('a token is needed');
    const hash = hashToken(token);
    // Another process of this site may have met it a moment ago.
    const found = findShown(await this.#look(), hash) ?? findShown(await this.#look({ anew: true }), hash);
    return found ?? refuse('the token is not known here: say hello first');
  }

  /** Whether one who showed no token may speak as a site: not as one that has shown any. */
  async believe(site: string): Promise<Admitted> {
    const { met } = await this.#look();
    return met.some((one) => one.site === site && one.hasShown)
      ? refuse('a token is needed to speak as this site')
      : admit(undefined);
  }

  /** Who may speak, as it was a second ago at most. */
  #look({ anew = false }: { readonly anew?: boolean } = {}): Promise<Looked> {
    const nowMs = this.#given.clock.monotonicMs();
    if (!anew && this.#looked !== undefined && nowMs - this.#lookedMs < LOOKED_MS) return this.#looked;
    const looking = this.#read();
    looking.catch(() => (this.#looked = undefined));
    this.#looked = looking;
    this.#lookedMs = nowMs;
    return looking;
  }

  async #read(): Promise<Looked> {
    const { catalog, pairs } = this.#given;
    const [peers, named, isPairing] = await Promise.all([catalog.listPeers(), this.#namedTokens(), pairs()]);
    const met = peers.map(async ({ name, site }): Promise<Met[]> => {
      if (site === undefined) return [];
      const kept = (await catalog.readPeerSecrets(name))?.accepts;
      const ticket = hashToken(await this.ticketFor(site));
      return [{ site, hasShown: kept !== undefined, accepts: stillGood(kept, named), ticket }];
    });
    return { met: (await Promise.all(met)).flat(), pairs: isPairing };
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

/** All are looked at, whichever it is. */
function findShown({ met }: Looked, hash: string): Admitted | undefined {
  let found: Admitted | undefined;
  for (const { site, accepts, ticket } of met) {
    if (accepts !== undefined && isSame(accepts, hash)) found = admit(site);
    else if (isSame(ticket, hash)) found = { kind: 'admitted', site, byTicket: true };
  }
  return found;
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
