import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { type Storage, StorageError, type StorageErrorKind } from '../../ports/storage.ts';
import type { AbsenceTurn, KeptStore, LookedAtCopy, UnavailableCopy } from '../../ports/store-absences.ts';
import { askStore } from '../ask-store.ts';
import { inParallel } from '../in-parallel.ts';
import { headOrMissing } from '../observe-object.ts';
import type { StoreHealth } from '../store-health.ts';
import { heedSaid } from './heed-said.ts';
import { OpenQuestions } from './open-questions.ts';
import { openOwn } from './open-own.ts';
import { PROBE_KEY } from './probe-key.ts';
import { type StoreAccess, type Stores, waysTo } from './store-access.ts';

export interface StoreAbsencePorts {
  readonly catalog: Pick<
    Catalog & RuleCatalog,
    | 'listKeptStores'
    | 'readStoreUse'
    | 'tellAway'
    | 'tellAnswers'
    | 'claimAbsence'
    | 'markUnavailable'
    | 'listUnavailable'
    | 'recogniseCopies'
    | 'endAbsence'
    | 'hasten'
  >;
  readonly clock: Clock;
  readonly health: StoreHealth;
  readonly stores: Stores;
  readonly clientSite: string | undefined;
}

const LOOK_EVERY_MS = 60_000;
/** A store that hangs holds up the worker no longer. */
const PROBE_MS_MAX = 10_000;
const PROBES_MAX = 16;
/** A fraction of a second each, so that others get their turn. */
const PAGE_OBJECTS = 1_000;
/** Few enough that a turn is not lost over one page of a slow store. */
const LOOKED_AT = 200;
const LOOKS_MAX = 16;
/** Says nothing of the copy: the store is away again, or has no time. */
const ASK_LATER: ReadonlySet<StorageErrorKind> = new Set(['unavailable', 'timeout', 'throttled', 'aborted']);

interface Look {
  readonly storage: Storage;
  readonly store: StoreAccess;
  readonly signal: AbortSignal;
}

/**
 * Looks after the stores that have copies of rules and uploads: which of them do not answer is told to all who share the catalog; what
 * stays away for longer than its `away_after` is brought elsewhere by the rules, and what comes back is looked at, copy by copy
 * (docs/stores.md, "A store that stays away").
 */
export class StoreAbsences {
  readonly #ports: StoreAbsencePorts;
  readonly #questions: OpenQuestions;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(ports: StoreAbsencePorts, questions = new OpenQuestions()) {
    this.#ports = ports;
    this.#questions = questions;
  }

  /** Costs nothing but once a minute. Returns how many copies and stores were told of. */
  async look(signal: AbortSignal): Promise<number> {
    const { catalog, clock, stores } = this.#ports;
    if (clock.monotonicMs() - this.#lookedMs < LOOK_EVERY_MS) return 0;
    this.#lookedMs = clock.monotonicMs();
    const heeded = heedSaid(stores, await catalog.readStoreUse());
    const kept = await catalog.listKeptStores();
    const told = await inParallel(kept, PROBES_MAX, async (one) => {
      const store = heeded.get(one.store);
      // What is in memory is gone with its process: it is never away.
      if (store === undefined || store.isInMemory || signal.aborted) return 0;
      return this.#lookAt(store, one, signal);
    });
    return told.reduce((sum, one) => sum + one, 0);
  }

  async #lookAt(store: StoreAccess, { absence, isContested }: KeptStore, signal: AbortSignal): Promise<number> {
    const { catalog } = this.#ports;
    const found = await this.#probe(store, signal);
    if (found === 'answers') {
      if (isContested) await catalog.tellAnswers(store.place);
      return absence === undefined ? 0 : this.#comeBack(store, signal);
    }
    const away = found === 'away' ? await catalog.tellAway(store.place) : undefined;
    const { awayAfterMs } = store.traits;
    if (away === undefined || awayAfterMs === undefined) return 0;
    return away.awayMs < awayAfterMs || away.copies === 'unavailable' ? 0 : this.#mark(store, signal);
  }

  /** `unknown`: it is not to be asked, or whoever asks did something else wrong. A refusal is an answer. */
  async #probe(store: StoreAccess, signal: AbortSignal): Promise<'answers' | 'away' | 'unknown'> {
    const surroundings = { clientSite: this.#ports.clientSite, fraction: 0 };
    const ways = [...waysTo(store, 'read', surroundings), ...waysTo(store, 'write', surroundings)];
    let found: 'away' | 'unknown' = 'unknown';
    for (const way of new Set(ways)) {
      if (this.#questions.has(way.place)) {
        found = 'away';
        continue;
      }
      try {
        await this.#ask(way, store, signal);
        return 'answers';
      } catch (error) {
        if (!(error instanceof StorageError) || error.kind === 'aborted') return 'unknown';
        if (error.kind !== 'unavailable' && error.kind !== 'timeout') return 'answers';
        found = 'away';
      }
    }
    return found;
  }

  async #ask(way: StoreAccess['protocols'][number], { deadlineMs }: StoreAccess, signal: AbortSignal): Promise<void> {
    const storage = await way.open();
    const question = { storage, key: PROBE_KEY, deadlineMs: Math.min(deadlineMs, PROBE_MS_MAX), signal };
    await askStore(this.#ports, question, (within) =>
      this.#questions.ask(way.place, () => storage.head(PROBE_KEY, { signal: within })),
    );
  }

  async #mark({ place }: StoreAccess, signal: AbortSignal): Promise<number> {
    const { catalog } = this.#ports;
    const turn = await catalog.claimAbsence(place, 'mark');
    let marked = 0;
    for (let after: string | undefined; turn !== undefined && !signal.aborted; ) {
      const page = await catalog.markUnavailable(turn, { after, limit: PAGE_OBJECTS });
      marked += page?.copies ?? 0;
      after = page?.next;
      if (after === undefined) break;
    }
    return marked;
  }

  async #comeBack(store: StoreAccess, signal: AbortSignal): Promise<number> {
    const { catalog } = this.#ports;
    const turn = await catalog.claimAbsence(store.place, 'back');
    if (turn === undefined) return 0;
    // Whatever was listed: somebody may have marked copies since.
    if (!(await this.#recognise(store, turn, signal))) return 0;
    if (!(await catalog.endAbsence(turn))) return 0;
    return 1 + (await catalog.hasten({ fact: 'store-returned', store: store.place }));
  }

  /** False: not all of them, because it is away again, or somebody else is at it. */
  async #recognise(store: StoreAccess, turn: AbsenceTurn, signal: AbortSignal): Promise<boolean> {
    const { catalog } = this.#ports;
    let storage: Storage | undefined;
    let isAnyLeft = false;
    for (let after: string | undefined; !signal.aborted; ) {
      const page = await catalog.listUnavailable(store.place, { after, limit: LOOKED_AT });
      if (page.copies.length > 0) {
        storage ??= await openToLook(store);
        if (storage === undefined) return false;
        isAnyLeft = true;
        if (!(await this.#lookForAll(page.copies, { storage, store, turn, signal }))) return false;
      }
      after = page.next;
      if (after !== undefined) continue;
      // What got another version between the list and the look is listed anew.
      if (!isAnyLeft) return true;
      isAnyLeft = false;
    }
    return false;
  }

  /** False: as of `#recognise`. */
  async #lookForAll(copies: readonly UnavailableCopy[], { turn, ...at }: Look & { readonly turn: AbsenceTurn }) {
    const looked = await inParallel(copies, LOOKS_MAX, (copy) => this.#lookFor(copy, at));
    const told = looked.filter((one) => one !== undefined);
    // An empty mount point answers too: what is nowhere to be seen is in doubt, and forgotten by nobody but an audit.
    const isNothingThere = told.every(({ shows }) => shows === 'none');
    const seen = told.map((one): LookedAtCopy => (isNothingThere ? { ...one, shows: 'other' } : one));
    return (await this.#ports.catalog.recogniseCopies(turn, seen)) && seen.length === looked.length;
  }

  /** Undefined: it cannot be told now. */
  async #lookFor(
    { objectId, versionId, place, token }: UnavailableCopy,
    { storage, store, signal }: Look,
  ): Promise<LookedAtCopy | undefined> {
    const question = { storage, key: place, deadlineMs: store.deadlineMs, signal };
    try {
      const head = await headOrMissing(() =>
        askStore(this.#ports, question, (within) => storage.head(place, { signal: within })),
      );
      const shows = head === undefined ? 'none' : head.token === token ? 'same' : 'other';
      return { objectId, versionId, token, shows };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // Any other answer is about this one: it must not keep all the others away.
      return ASK_LATER.has(error.kind) ? undefined : { objectId, versionId, token, shows: 'other' };
    }
  }
}

/** Undefined: it cannot be opened here. */
async function openToLook(store: StoreAccess): Promise<Storage | undefined> {
  try {
    return await openOwn(store);
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}
