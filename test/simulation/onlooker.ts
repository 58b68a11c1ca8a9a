import { createHash } from 'node:crypto';
import type { ConflictPolicy } from '../../src/domain/journal/conflict-policy.ts';
import type { Told } from './client.ts';
import { AcknowledgedStays } from './checkers/acknowledged-stays.ts';
import { DotsAreOnce } from './checkers/dots-are-once.ts';
import { ConsideredIsSeen } from './checkers/considered-is-seen.ts';
import { LosersStay } from './checkers/losers-stay.ts';
import { NothingComesBack } from './checkers/nothing-comes-back.ts';
import { ReadsGoForward } from './checkers/reads-go-forward.ts';
import { checkReplicated, type HeldThere, type Replicated } from './checkers/replicated-is-held.ts';
import { WritesAreOnce } from './checkers/writes-are-once.ts';
import type { Checker, Seen, VersionFact } from './facts.ts';
import { SCOPE, type SimulatedSite } from './simulated-site.ts';

interface SiteNotes {
  readonly id: string;
  /** By their numbers at the site. */
  readonly versions: Map<number, VersionFact>;
  /** What was told of each object last. */
  readonly objects: Map<string, string>;
  /** Lines ever queued, by peer. */
  readonly queued: Map<string, Set<string>>;
  /** What clients of the site were told since it was looked at last. */
  readonly told: Told[];
}

/** Sees each site after each step, and has all checkers look on. */
export class Onlooker {
  readonly complaints: string[] = [];
  /** What writers were told of peers, until all sites were looked at. */
  readonly #replicated: Replicated[] = [];
  /** How often they were. */
  replicated = 0;
  readonly #checkers: readonly Checker[];
  readonly #notes = new Map<string, SiteNotes>();
  /** Ids that sites had before they were wiped, and have. */
  readonly #ids = new Map<string, Set<string>>();
  /** Sites that have lost what they knew. */
  readonly #reborn = new Set<string>();

  constructor(policy: ConflictPolicy) {
    this.#checkers = [
      new AcknowledgedStays(),
      new NothingComesBack(),
      new ReadsGoForward(),
      new ConsideredIsSeen(),
      new WritesAreOnce(),
      new DotsAreOnce(),
      new LosersStay(policy),
    ];
  }

  tell(site: string, told: Told): void {
    this.#notes.get(site)?.told.push(told);
  }

  notes(site: SimulatedSite): SiteNotes {
    const known = this.#notes.get(site.name);
    if (known !== undefined) return known;
    const made = { id: site.view.siteId(), versions: new Map(), objects: new Map(), queued: new Map(), told: [] };
    this.#notes.set(site.name, made);
    this.#ids.set(site.name, (this.#ids.get(site.name) ?? new Set()).add(made.id));
    return made;
  }

  /** Its catalog is an older one, or a new one: what it had is not held against it any more. `queued` is what was queued in it. */
  forget(site: SimulatedSite, queued: ReadonlyMap<string, ReadonlySet<string>>): void {
    this.#notes.delete(site.name);
    this.#reborn.add(site.name);
    const notes = this.notes(site);
    for (const [peer, places] of queued) notes.queued.set(peer, new Set(places));
    this.#see({ kind: 'forgot', site: site.name });
  }

  isReborn(site: string): boolean {
    return this.#reborn.has(site);
  }

  /** Whether any site has the version: `actor:counter`. What was told of and then lost by the only one who had it nobody has. */
  isAnywhere(change: string): boolean {
    return [...this.#notes.values()].some(({ versions }) =>
      [...versions.values()].some(({ actor, counter }) => `${actor}:${counter}` === change),
    );
  }

  /** Versions a site has made, in whichever of its catalogs, that any site has seen since. */
  madeBy(site: string): VersionFact[] {
    const ids = this.#ids.get(site);
    const all = [...this.#notes.values()].flatMap(({ versions }) => [...versions.values()]);
    return [...new Map(all.filter(({ origin }) => ids?.has(origin)).map((one) => [one.id, one])).values()];
  }

  /** The versions an operation has made, at all sites. */
  idsOf(operation: string): string[] {
    const all = [...this.#notes.values()].flatMap(({ versions }) => [...versions.values()]);
    return [...new Set(all.filter((one) => one.operation === plain(operation)).map(({ id }) => id))];
  }

  look(site: SimulatedSite): void {
    const notes = this.notes(site);
    if (site.isTouched && site.view.hasChanged()) this.#lookAtCatalog(site, notes);
    site.isTouched = false;
    for (const told of notes.told.splice(0)) {
      if (told.kind === 'replicated') this.#replicated.push(translateReplicated(site.name, notes, told));
      else this.#see(this.#translate(site.name, notes, told));
    }
  }

  /** After all sites were looked at. */
  judgeReplicated(sites: ReadonlyMap<string, SimulatedSite>): void {
    for (const one of this.#replicated.splice(0)) {
      // A peer that has lost what it knew may have lost it between its word and ours.
      if (one.among.some((peer) => this.#reborn.has(peer))) continue;
      this.replicated++;
      const complaint = checkReplicated(one, (peer) => this.#heldAt(sites.get(peer), one.object));
      if (complaint !== undefined) this.complaints.push(complaint);
    }
  }

  #heldAt(site: SimulatedSite | undefined, object: string): HeldThere {
    if (site === undefined) return { versions: [], withBytes: new Set() };
    const { versions } = this.notes(site);
    const numbers = site.view.objects().get(object) ?? [];
    const places = new Map(site.view.places().map(({ version, place }) => [version, place]));
    const withBytes = numbers.flatMap((number) => {
      const fact = versions.get(number);
      const bytes = site.contents.get(places.get(number) ?? '')?.bytes;
      return fact !== undefined && bytes !== undefined && hashOf(bytes) === fact.sha256 ? [fact.id] : [];
    });
    return { versions: numbers.flatMap((number) => versions.get(number) ?? []), withBytes: new Set(withBytes) };
  }

  #lookAtCatalog({ name: site, view }: SimulatedSite, notes: SiteNotes): void {
    for (const [number, version] of view.newVersions(notes.id)) {
      notes.versions.set(number, version);
      this.#see({ kind: 'had', site, version, isOwn: version.origin === notes.id && !this.#reborn.has(site) });
    }
    for (const [object, numbers] of view.objects()) {
      const told = numbers.join(' ');
      if (notes.objects.get(object) === told) continue;
      notes.objects.set(object, told);
      this.#see({ kind: 'versions', site, object, versions: numbers.flatMap((one) => notes.versions.get(one) ?? []) });
    }
    this.#see({ kind: 'considered', site, context: view.considered() });
    for (const { peer, place } of view.outbox()) {
      const queued = notes.queued.get(peer) ?? new Set();
      notes.queued.set(peer, queued.add(place));
    }
  }

  #translate(site: string, { versions }: SiteNotes, told: Exclude<Told, { kind: 'replicated' }>): Seen {
    const object = `${SCOPE}/${told.name}`;
    switch (told.kind) {
      case 'read-began':
        return { kind: 'read-began', site, object, reader: told.reader };
      case 'refused':
        return { kind: 'refused', site, object, operation: plain(told.operation), reason: told.reason };
      case 'read': {
        const version = told.version === undefined ? undefined : versions.get(told.version);
        return { kind: 'read', site, object, reader: told.reader, version, sha256: told.sha256 };
      }
      case 'acknowledged': {
        const { version, operation, condition } = told;
        return {
          kind: 'acknowledged',
          site,
          object,
          versions: madeBy(versions, object, version),
          operation: plain(operation),
          condition: condition === undefined ? undefined : plain(condition),
        };
      }
    }
  }

  #see(seen: Seen): void {
    for (const checker of this.#checkers) {
      const complaint = checker.see(seen);
      if (complaint !== undefined) this.complaints.push(complaint);
    }
  }
}

function translateReplicated(
  site: string,
  { versions }: SiteNotes,
  { name, version, among, needed }: Extract<Told, { kind: 'replicated' }>,
): Replicated {
  const object = `${SCOPE}/${name}`;
  return { site, object, among, needed, versions: madeBy(versions, object, version) };
}

/** The versions a write has made at a site, by its operation or its number there. */
function madeBy(
  versions: ReadonlyMap<number, VersionFact>,
  object: string,
  version: number | string,
): readonly VersionFact[] {
  const made = [...versions].filter(([number, fact]) =>
    typeof version === 'number' ? number === version : fact.object === object && fact.operation === plain(version),
  );
  return made.map(([, fact]) => fact);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** As catalogs write them. */
function plain(operation: string): string {
  return operation.replaceAll('-', '').toLowerCase();
}
