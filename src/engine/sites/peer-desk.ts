import type { Digests } from '../../domain/journal/digest.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
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
import { PeerGate, type PeerGateGiven } from './peer-gate.ts';
import { SiteDigests } from './site-digests.ts';
import { receiveEntries, type ReceivePorts, SAY_HELLO } from './receive-entries.ts';

export interface DeskPorts extends ReceivePorts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly openStore: (place: string) => Promise<Storage | undefined>;
}

export interface DeskOptions extends Pick<PeerGateGiven, 'accepts' | 'pairs'> {
  readonly own: Hello;
}

/** Answers the peers of this site. */
export class SiteDesk implements PeerDesk {
  readonly #ports: DeskPorts;
  readonly #options: DeskOptions;
  readonly #digests: SiteDigests;
  readonly #gate: PeerGate;

  constructor(ports: DeskPorts, options: DeskOptions) {
    this.#ports = ports;
    this.#digests = new SiteDigests(ports.catalog, ports.clock);
    this.#options = options;
    this.#gate = new PeerGate({ ...options, catalog: ports.catalog, clock: ports.clock, own: options.own.site });
  }

  admit(token: string | undefined, from: Hello | undefined): Promise<Admitted> {
    return from === undefined ? this.#gate.recognise(token) : this.#gate.meet(token, from);
  }

  believe(site: string): Promise<Admitted> {
    return this.#gate.believe(site);
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
      ticket: await this.#gate.ticketFor(site),
      life: await catalog.readLife(),
      receipt: await catalog.readReceipt(site),
      ...(actors === undefined ? {} : { known: await catalog.readKnown(Object.keys(actors)) }),
    };
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
