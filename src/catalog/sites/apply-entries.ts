import type { Entry, PurgeEntry, VersionEntry } from '../../domain/journal/entry.ts';
import { CLOCK_DRIFT_MS_MAX, compareHybrid, type HybridTime } from '../../domain/object/hybrid-clock.ts';
import type { NewEvent } from '../../ports/catalog.ts';
import type { ApplyOutcome, Arrived, ArrivedEntries } from '../../ports/journal.ts';
import { closeBarrier } from '../barrier.ts';
import { OBJECT, PURGE_SCOPE } from '../codes.ts';
import { encodeOperation } from '../content.ts';
import { keysOf, lockObjects } from '../record/find-objects.ts';
import { noticeContent } from '../rules/notice-content.ts';
import { followObjects, watchObjects } from '../rules/watch-objects.ts';
import { rounds, type Session, type SetStatement } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { openScope } from '../verbs/open-scope.ts';
import { appendEntries, type JournalRow } from './append-entries.ts';
import { ConsideredDots, numberActors } from './considered.ts';
import { actorsOf, type Decided, decideEntry, encodeEntry, type EncodedEntry } from './decide-entries.ts';
import { areCurrent, noticeEntries } from './lives.ts';
import { PROFILE_HERE, readProfileScopes } from './own-scopes.ts';
import { notePassedOver } from './passed-over.ts';
import { Purged } from './purged.ts';
import { countReceipt } from './receipts.ts';
import { addPurge } from './purge-scope.ts';
import { type JoinedObject, seeJoined, type SeenVersion } from './see-joined.ts';
import { writeJoined } from './write-joined.ts';

interface PurgeItem {
  readonly at: number;
  readonly entry: PurgeEntry;
}

interface Item {
  readonly at: number;
  readonly arrived: Arrived & { readonly entry: VersionEntry };
  readonly encoded: EncodedEntry;
}

const REFUSED: Decided = { kind: 'left', outcome: { kind: 'refused', why: PROFILE_HERE }, isConsidered: false };

/** An entry that changes its object. */
interface Taken {
  readonly item: Item;
  readonly object: JoinedObject | undefined;
  readonly versions: readonly SeenVersion[];
  readonly id: number;
}

/**
 * Joins entries of a peer with what is here (docs/sites.md, "Applying"), in the transaction that considers their dots and queues them for
 * peers that do not have them. Rows are locked in the order of all writers: objects by name, then actors, then the slot.
 */
export async function applyEntries(session: Session, arrived: ArrivedEntries): Promise<ApplyOutcome[]> {
  if (!(await areCurrent(session, arrived.from, arrived.lives))) return arrived.entries.map(() => ({ kind: 'stale' }));
  const run = await Applying.begin(session, arrived);
  const outcomes = await run.apply();
  await countReceipt(session, arrived.from);
  return outcomes;
}

class Applying {
  readonly #session: Session;
  readonly #from: string;
  readonly #items: readonly Item[];
  readonly #purges: readonly PurgeItem[];
  readonly #considered: ConsideredDots;
  readonly #ofProfiles: ReadonlySet<string>;
  readonly #outcomes: ApplyOutcome[] = [];
  readonly #events: NewEvent[] = [];
  readonly #forwarded: JournalRow[] = [];
  /** Sites that somebody else was to tell of what was taken here. */
  readonly #told = new Set<string>();
  readonly #times: HybridTime[] = [];
  #isPurged: (entry: VersionEntry) => boolean = () => false;

  private constructor(
    session: Session,
    from: string,
    {
      items,
      purges,
      considered,
      ofProfiles,
    }: {
      readonly items: readonly Item[];
      readonly purges: readonly PurgeItem[];
      readonly considered: ConsideredDots;
      readonly ofProfiles: ReadonlySet<string>;
    },
  ) {
    this.#session = session;
    this.#from = from;
    this.#items = items;
    this.#purges = purges;
    this.#considered = considered;
    this.#ofProfiles = ofProfiles;
  }

  static async begin(session: Session, { from, entries }: ArrivedEntries): Promise<Applying> {
    const versions = [...entries.entries()].filter(
      (one): one is [number, Arrived & { readonly entry: VersionEntry }] => one[1].entry.kind === 'version',
    );
    const purges = [...entries.entries()].flatMap(([at, { entry }]): PurgeItem[] =>
      entry.kind === 'purge-scope' ? [{ at, entry }] : [],
    );
    // Whoever is changing something here is before it, or sees it.
    if (purges.length > 0) await closeBarrier(session, 'patterns');
    await openScopes(
      session,
      entries.map(({ entry }) => entry.scope),
    );
    const numbers = await numberActors(session, [
      ...versions.flatMap(([, { entry }]) => [...actorsOf(entry)]),
      ...purges.flatMap(({ entry }) => [entry.dot.actor, ...Object.keys(entry.seen)]),
    ]);
    const items = versions.map(([at, one]) => ({ at, arrived: one, encoded: encodeEntry(one.entry, numbers) }));
    await lockObjects(
      session,
      items.map(({ arrived }) => arrived.entry),
    );
    const dots = items.flatMap(({ encoded }) => [encoded.version.dot, ...encoded.also]);
    const considered = await ConsideredDots.lock(session, [
      ...dots.map(({ actor }) => Number(actor)),
      ...purges.map(({ entry }) => numbers.get(entry.dot.actor) ?? 0),
    ]);
    await noticeEntries(
      session,
      entries.map(({ entry }) => entry),
      numbers,
    );
    const ofProfiles = await readProfileScopes(
      session,
      entries.map(({ entry }) => entry.scope),
    );
    return new Applying(session, from, { items, purges, considered, ofProfiles });
  }

  async apply(): Promise<ApplyOutcome[]> {
    const session = this.#session;
    const watched = await watchObjects(
      session,
      this.#items.map(({ arrived }) => arrived.entry),
    );
    for (const one of this.#purges) await this.#applyPurge(one);
    const scopes = await session.known.scopes.requireIds(
      session,
      this.#items.map(({ arrived }) => arrived.entry.scope),
    );
    const purged = await Purged.read(session, scopes.values());
    this.#isPurged = ({ scope, dot }) => purged.hasDot(scopes.get(scope) ?? 0, dot);
    for (const round of rounds(this.#items, ({ arrived: { entry } }) => `${entry.scope}\0${entry.name}`)) {
      await this.#applyRound(round, watched.hasRules);
    }
    await followObjects(session, watched);
    await this.#considered.write(session);
    await this.#keepClock();
    await recordEvents(session, this.#events);
    if (this.#forwarded.length > 0) {
      const { number } = await session.known.slot.own(session);
      await appendEntries(session, number, this.#forwarded);
    }
    await notePassedOver(session, this.#told);
    return this.#outcomes;
  }

  async #applyPurge({ at, entry }: PurgeItem): Promise<void> {
    const session = this.#session;
    const { dot, scope: name, seen, time, origin, operation } = entry;
    if (this.#ofProfiles.has(name)) {
      this.#outcomes[at] = { kind: 'refused', why: PROFILE_HERE };
      return;
    }
    const [actor, scope] = [
      await session.known.actors.requireId(session, dot.actor),
      await session.known.scopes.requireId(session, name),
    ];
    const known = { actor: String(actor), counter: dot.counter };
    this.#outcomes[at] = { kind: this.#considered.has(known) ? 'duplicate' : 'applied' };
    if (this.#considered.has(known)) return;
    this.#considered.add([known]);
    this.#times.push(time);
    const { counter } = dot;
    const isOwn = origin === session.known.siteId;
    await addPurge(session, { actor, counter, scope, seen, time, origin: isOwn ? null : origin, operation });
    const detail = `the site ${origin} has purged it: all that it had seen is gone`;
    this.#events.push({ kind: 'scope-purged', scope: name, detail });
    const what = { kind: PURGE_SCOPE, actor, counter, scope, object: 0, version: 0 };
    const addressed = this.#addressedBy(entry);
    this.#forwarded.push({ ...what, operation: encodeOperation(operation), addressed });
  }

  /** One round names no object twice. */
  async #applyRound(round: readonly Item[], hasRules: boolean): Promise<void> {
    const session = this.#session;
    const objects = await seeJoined(
      session,
      round.map(({ arrived }) => arrived.entry),
    );
    const taken: Omit<Taken, 'id'>[] = [];
    for (const [at, item] of round.entries()) {
      const object = objects[at];
      const decided = this.#decide(item, object);
      this.#outcomes[item.at] = decided.outcome;
      if (decided.kind === 'taken') taken.push({ item, object, versions: decided.versions });
      if (decided.kind === 'taken' || decided.isConsidered)
        this.#considered.add([item.encoded.version.dot, ...item.encoded.also]);
    }
    if (taken.length === 0) return;
    const ids = await session.engine.takeIds(session, taken.length);
    const given = taken.map((one, at): Taken => ({ ...one, id: ids[at] as number }));
    await this.#write(given);
    if (hasRules) await noticeContent(session, given.map(toNotice));
    await this.#forward(given);
  }

  #decide({ encoded, arrived }: Item, object: JoinedObject | undefined): Decided {
    const isPurged = this.#isPurged(arrived.entry);
    const facts = { object, considered: this.#considered, isPurged, hasCopy: arrived.copy !== undefined };
    const { scope, name } = arrived.entry;
    const decided = this.#ofProfiles.has(scope) ? REFUSED : decideEntry(encoded, facts);
    if (decided.outcome.kind === 'conflict') {
      const detail = `written at ${arrived.entry.origin} and elsewhere without knowing of each other: one is served, the other is kept`;
      this.#events.push({ kind: 'conflict-found', scope, name, detail });
    }
    if (decided.outcome.kind === 'refused') {
      this.#events.push({ kind: 'entry-refused', scope, name, detail: decided.outcome.why });
    }
    return decided;
  }

  async #write(taken: readonly Taken[]): Promise<void> {
    await writeJoined(
      this.#session,
      taken.map(({ item: { arrived, encoded }, object, versions, id }) => {
        const { version, content, operation } = encoded;
        return { named: arrived.entry, version, content, operation, copy: arrived.copy, object, versions, id };
      }),
    );
    for (const { item } of taken) this.#times.push(item.arrived.entry.time);
  }

  async #forward(taken: readonly Taken[]): Promise<void> {
    const keys = await keysOf(
      this.#session,
      taken.map(({ item }) => item.arrived.entry),
    );
    for (const [at, { item, object, id }] of taken.entries()) {
      const { encoded, arrived } = item;
      const { version, operation } = encoded;
      this.#forwarded.push({
        kind: version.kind,
        actor: Number(version.dot.actor),
        counter: version.dot.counter,
        scope: keys[at]?.[0] ?? 0,
        object: object?.id ?? id,
        version: id,
        operation,
        addressed: this.#addressedBy(arrived.entry),
      });
    }
  }

  /** Who has it, or is told of it by others. */
  #addressedBy({ addressed, origin }: Entry): readonly string[] {
    for (const site of addressed) if (site !== this.#from && site !== origin) this.#told.add(site);
    return [...addressed, this.#from, origin];
  }

  /** Above all that was taken here; a clock that is far ahead is not followed. */
  async #keepClock(): Promise<void> {
    const session = this.#session;
    const limitMs = session.known.clock.nowMs() + CLOCK_DRIFT_MS_MAX;
    const latest = this.#times
      .filter(({ ms }) => ms <= limitMs)
      .reduce<HybridTime | undefined>((a, b) => (a === undefined || compareHybrid(b, a) > 0 ? b : a), undefined);
    if (latest === undefined) return;
    const { number } = await session.known.slot.own(session);
    await session.run(followClock, [[number, latest.ms, latest.n]]);
  }
}

const followClock: SetStatement = {
  columns: { number: 'int', ms: 'int', n: 'int' },
  text: (rows) =>
    `update slot set hybrid_ms = r.ms, hybrid_n = r.n from ${rows} where slot.number = r.number
       and (slot.hybrid_ms < r.ms or (slot.hybrid_ms = r.ms and slot.hybrid_n < r.n))`,
};

function toNotice({ item, object }: Taken) {
  const found = object && { id: object.id, current: { kind: object.current.kind } };
  return { encoded: { change: item.arrived.entry, content: [item.encoded.content[0]] as const }, found };
}

/** Scopes that are written to by peers before anybody here has heard of them have no source. */
async function openScopes(session: Session, names: readonly string[]): Promise<void> {
  for (const name of new Set(names)) {
    if ((await session.known.scopes.findId(session, name)) !== undefined) continue;
    await openScope(session, { name, title: name, source: undefined, replicas: [], standing: false });
  }
}

/** Whether an entry brings bytes that are to be stored here, and those of which entries are wanted; nothing is changed. */
export async function judgeEntries(session: Session, entries: readonly VersionEntry[]): Promise<boolean[]> {
  const numbers = new Map<string, number>();
  for (const actor of new Set(entries.flatMap((entry) => [...actorsOf(entry)]))) {
    // An actor nobody has heard of has seen nothing here and is in no context.
    numbers.set(actor, (await session.known.actors.findId(session, actor)) ?? -1 - numbers.size);
  }
  const ofProfiles = await readProfileScopes(
    session,
    entries.map(({ scope }) => scope),
  );
  const known: VersionEntry[] = [];
  for (const entry of entries) {
    if ((await session.known.scopes.findId(session, entry.scope)) !== undefined) known.push(entry);
  }
  const objects = new Map<VersionEntry, JoinedObject | undefined>();
  for (const [at, object] of (await seeJoined(session, known)).entries())
    objects.set(known[at] as VersionEntry, object);
  const encoded = entries.map((entry) => encodeEntry(entry, numbers));
  const considered = await ConsideredDots.look(
    session,
    encoded.map(({ version }) => Number(version.dot.actor)),
  );
  const scopes = new Map<string, number>();
  for (const { scope } of known) scopes.set(scope, await session.known.scopes.requireId(session, scope));
  const purged = await Purged.read(session, scopes.values());
  return encoded.map((one) => {
    if (ofProfiles.has(one.entry.scope)) return false;
    const isPurged = purged.hasDot(scopes.get(one.entry.scope) ?? 0, one.entry.dot);
    const facts = { object: objects.get(one.entry), considered, isPurged, hasCopy: false };
    return decideEntry(one, facts).outcome.kind === 'bytes-wanted' && one.version.kind === OBJECT;
  });
}
