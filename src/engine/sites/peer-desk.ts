import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Digests } from '../../domain/journal/digest.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Peer } from '../../ports/journal.ts';
import type { Admitted, PeerDesk } from '../../ports/peer-desk.ts';
import {
  type Batch,
  type DigestQuery,
  type Fetched,
  type Floor,
  type Hello,
  type ListedObject,
  type ListingQuery,
  PeerError,
  type SentAnswer,
  type ToldEntries,
  type Wanted,
} from '../../ports/peer-link.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { SiteDigests } from './site-digests.ts';
import { ITSELF } from './say-hello.ts';
import { receiveEntries, type ReceivePorts, SAY_HELLO } from './receive-entries.ts';

export interface DeskPorts extends ReceivePorts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly openStore: (place: string) => Promise<Storage | undefined>;
}

export interface DeskOptions {
  readonly own: Hello;
  /** Hashes of tokens that peers may show, besides those that are known by now, by the name the peer gets. */
  readonly accepts: ReadonlyMap<string, string>;
  /** Whoever comes first is believed: only where nobody but this machine can come. */
  readonly pairs: boolean;
}

/** Answers the peers of this site. */
export class SiteDesk implements PeerDesk {
  readonly #ports: DeskPorts;
  readonly #options: DeskOptions;
  readonly #digests: SiteDigests;

  constructor(ports: DeskPorts, options: DeskOptions) {
    this.#ports = ports;
    this.#digests = new SiteDigests(ports.catalog, ports.clock);
    this.#options = options;
  }

  async admit(token: string | undefined, from: Hello | undefined): Promise<Admitted> {
    if (from === undefined && token === undefined)
      return this.#options.pairs ? { kind: 'admitted', site: undefined } : refuse('a token is needed');
    const peers = await this.#ports.catalog.listPeers();
    return from === undefined ? this.#recognise(peers, token ?? '') : this.#meet(peers, token, from);
  }

  /** A peer that says hello: known by its site from its first time on, and by its token. */
  async #meet(peers: readonly Peer[], token: string | undefined, from: Hello): Promise<Admitted> {
    if (from.site === this.#options.own.site) return refuse(ITSELF);
    const { catalog } = this.#ports;
    const hash = token === undefined ? undefined : hashToken(token);
    const known = peers.find(({ site }) => site === from.site);
    if (known !== undefined) {
      const secrets = await catalog.readPeerSecrets(known.name);
      if (secrets?.accepts === undefined) {
        if (!this.#options.pairs) return refuse('this site has no token for you: name one in replication.accept');
        if (hash !== undefined) await catalog.setPeer(known.name, { accepts: hash });
      } else if (hash === undefined || !isSame(secrets.accepts, hash)) return refuse('the token is not yours');
      await this.#keep(known.name, from);
      return { kind: 'admitted', site: from.site };
    }
    const named = [...this.#options.accepts].find(([, accepted]) => hash !== undefined && isSame(accepted, hash));
    if (named === undefined && !this.#options.pairs) return refuse('the token is not known here');
    const name = named?.[0] ?? `site-${from.site.slice(0, 8)}`;
    const added = { name, url: from.url, mode: 'async', scopes: undefined, direction: 'receive' } as const;
    await catalog.addPeer({ ...added, accepts: hash });
    await this.#keep(name, from);
    return { kind: 'admitted', site: from.site };
  }

  async #keep(name: string, { site, url, ticket }: Hello): Promise<void> {
    const { catalog } = this.#ports;
    await catalog.setPeer(name, {
      site,
      ...(url === undefined ? {} : { url }),
      ...(ticket === undefined ? {} : { ticket }),
    });
  }

  /** By the token it came with, or a ticket this site gave it. */
  async #recognise(peers: readonly Peer[], token: string): Promise<Admitted> {
    const hash = hashToken(token);
    for (const { name, site } of peers) {
      if (site === undefined) continue;
      const secrets = await this.#ports.catalog.readPeerSecrets(name);
      if (secrets?.accepts !== undefined && isSame(secrets.accepts, hash)) return { kind: 'admitted', site };
      if (isSame(hashToken(await this.#ticketFor(site)), hash)) return { kind: 'admitted', site };
    }
    return refuse('the token is not known here: say hello first');
  }

  async hello(from: Hello): Promise<Hello> {
    const { catalog } = this.#ports;
    const { site, life, actors } = from;
    if (life !== undefined) {
      const known = (await catalog.listPeers()).find((peer) => peer.site === site);
      if (known !== undefined) await catalog.setPeer(known.name, { life });
    }
    return {
      ...this.#options.own,
      ticket: await this.#ticketFor(site),
      life: await catalog.readLife(),
      receipt: await catalog.readReceipt(site),
      ...(actors === undefined ? {} : { known: await catalog.readKnown(Object.keys(actors)) }),
    };
  }

  /** What a site shows to fetch bytes here: nobody else can make it, and nothing has to be kept for it. */
  async #ticketFor(site: string): Promise<string> {
    return ticketFor(await this.#ports.catalog.readSiteSecret(), site);
  }

  receive(batch: Batch, signal: AbortSignal): Promise<SentAnswer> {
    return receiveEntries(this.#ports, batch, signal);
  }

  async open({ start, operation, ...object }: Wanted, signal: AbortSignal): Promise<Fetched> {
    const { catalog, openStore } = this.#ports;
    const found = await catalog.findVersion(object, operation);
    if (found === undefined) return { kind: 'lost' };
    for (const { store, place, token } of found.copies) {
      const storage = await openStore(store);
      if (storage === undefined || token === undefined) continue;
      try {
        const span = { start: Math.min(start, found.size), end: found.size };
        const { body } = await storage.get(place, { ifToken: token, span, signal });
        return { kind: 'bytes', body };
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }
    return { kind: 'lost' };
  }

  digests(query: DigestQuery): Promise<Digests> {
    return this.#digests.digests(query);
  }

  listing(query: ListingQuery): Promise<readonly ListedObject[]> {
    return this.#digests.listing(query);
  }

  async raiseFloor({ upTo, life }: Floor): Promise<void> {
    if (!(await this.#ports.catalog.raiseFloor(upTo, life))) throw new PeerError('stale', SAY_HELLO);
  }

  async told({ from, operations, life }: ToldEntries): Promise<void> {
    await this.#ports.catalog.acknowledgeTold(from, operations, life);
  }
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function ticketFor(secret: string, site: string): string {
  return createHmac('sha256', secret).update(site).digest('hex');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function refuse(why: string): Admitted {
  return { kind: 'refused', why };
}
