import type { CircuitAdvice } from '../store/circuit.ts';
import type { Replica } from './replica.ts';

/** A store of the scope, as a read sees it. */
export interface ReadableStore {
  readonly store: string;
  readonly role: 'replica' | 'source';
  readonly advice: CircuitAdvice;
  /** Why it is not to be read from now, as somebody said. */
  readonly closed?: string | undefined;
}

/** What a read may be planned on. */
export interface ReadFacts {
  readonly name: string;
  readonly versionId: number;
  readonly replicas: readonly Replica[];
  /** In read order: replicas by priority, then the source. */
  readonly stores: readonly ReadableStore[];
  /** The caller takes any version a store has. */
  readonly anyVersion: boolean;
}

/**
 * One store a read may ask, and what for.
 *
 * - `exact`: the version's bytes, known by their token. `verified` is false for bytes that were only seen in a listing.
 * - `look-again`: the source, whose bytes are not what was recorded, or a copy that is in doubt (`token`: as recorded): they are
 *   hashed before anything is served.
 * - `as-found`: whatever lies there; only for a caller that takes any version.
 */
export type Candidate = {
  readonly store: string;
  readonly role: 'replica' | 'source';
  readonly place: string;
  readonly probe: boolean;
  /** Completes "asked because …". */
  readonly why: string;
} & (
  | { readonly kind: 'exact'; readonly token: string; readonly verified: boolean }
  | { readonly kind: 'look-again'; readonly token?: string }
  | { readonly kind: 'as-found' }
);

/** The choice of a read, and its reasons (I14). */
export interface ReadPlan {
  readonly candidates: readonly Candidate[];
  readonly rejections: readonly { readonly store: string; readonly why: string }[];
  /** Replica stores that ought to have the version and do not, in read order. */
  readonly lacking: readonly string[];
}

/** Order of asking: lower is earlier; within one rank the read order holds. */
const RANK = { inPlace: 0, failedLately: 1, lookAgain: 2, unverified: 3, doubtful: 4 } as const;

type Judgement = { readonly lacks: boolean } & (
  | { readonly rank: number; readonly candidate: Candidate }
  | { readonly rank: undefined; readonly store: string; readonly why: string }
);

/**
 * Which stores a read asks for one version, in which order, and which it does not ask (docs/reading.md, "Candidates").
 * A store known to hold other bytes, none, or bytes on their way out is not asked for the object (I4, I5).
 */
export function planRead(facts: ReadFacts): ReadPlan {
  const judgements = facts.stores.map((store) => judgeStore(store, facts));
  const chosen = judgements.filter((judgement) => judgement.rank !== undefined);
  return {
    candidates: chosen.toSorted((a, b) => a.rank - b.rank).map((judgement) => judgement.candidate),
    rejections: judgements
      .filter((judgement) => judgement.rank === undefined)
      .map(({ store, why }) => ({ store, why })),
    lacking: facts.stores.filter((_, index) => judgements[index]?.lacks).map(({ store }) => store),
  };
}

function judgeStore(readable: ReadableStore, facts: ReadFacts): Judgement {
  const { store, role, closed } = readable;
  if (closed !== undefined) return { rank: undefined, store, why: closed, lacks: false };
  const replica = facts.replicas.find((one) => one.store === store && one.versionId === facts.versionId);
  const judgement = judgeReplica(readable, replica, facts.name);
  if (!facts.anyVersion || judgement.rank !== undefined) return judgement;

  const older = replica ?? facts.replicas.find((one) => one.store === store);
  if (older === undefined || older.state === 'BEING_DELETED' || older.state === 'COPYING') return judgement;
  const why = 'the caller takes any version, and it has one';
  const candidate: Candidate = {
    kind: 'as-found',
    store,
    role,
    place: older.place,
    probe: readable.advice === 'probe',
    why,
  };
  return { lacks: judgement.lacks, rank: rankOf(readable.advice), candidate };
}

function judgeReplica(readable: ReadableStore, replica: Replica | undefined, name: string): Judgement {
  const { store, role, advice } = readable;
  const isReplica = role === 'replica';
  const probe = advice === 'probe';
  const reject = (why: string, lacks: boolean): Judgement => ({
    rank: undefined,
    store,
    why,
    lacks: lacks && isReplica,
  });
  const lookAgain = (why: string): Judgement =>
    isReplica
      ? reject(why, true)
      : { lacks: false, rank: RANK.lookAgain, candidate: { kind: 'look-again', store, role, place: name, probe, why } };

  if (replica === undefined) return lookAgain('it has no replica of this version');
  const { place, token } = replica;
  switch (replica.state) {
    case 'AVAILABLE':
    case 'UNVERIFIED': {
      if (token === undefined) return lookAgain('its token is not known');
      const verified = replica.state === 'AVAILABLE';
      const rank = !verified && isReplica ? RANK.unverified : rankOf(advice);
      const why = explainExact(advice, verified);
      return { lacks: false, rank, candidate: { kind: 'exact', store, role, place, token, verified, probe, why } };
    }
    case 'TEMPORARY_UNAVAILABLE':
    case 'UNAVAILABLE': {
      if (token === undefined) return lookAgain('its token is not known');
      const why = 'it has the version, but was unavailable when last looked at';
      const candidate: Candidate = { kind: 'exact', store, role, place, token, verified: true, probe, why };
      return { lacks: false, rank: RANK.failedLately, candidate };
    }
    case 'SUSPICIOUS': {
      const why = 'it holds, or may hold, other bytes than recorded';
      if (!isReplica || token === undefined) return lookAgain(why);
      const candidate: Candidate = { kind: 'look-again', store, role, place, token, probe, why };
      return { lacks: true, rank: RANK.doubtful, candidate };
    }
    case 'BAD':
      return lookAgain('its bytes were found wrong or gone');
    case 'COPYING':
      return reject('its copy is still being written', false);
    case 'BEING_DELETED':
      return reject('its copy is being deleted', false);
  }
}

function rankOf(advice: CircuitAdvice): number {
  return advice === 'last' ? RANK.failedLately : RANK.inPlace;
}

function explainExact(advice: CircuitAdvice, verified: boolean): string {
  const what = verified ? 'it has a verified copy' : 'it was seen in a listing with the right size and time';
  if (advice === 'last') return `${what}, but failed lately: asked after the others`;
  return advice === 'probe' ? `${what}, and its pause after failures is over` : what;
}
