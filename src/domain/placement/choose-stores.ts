import { compareMerits, describeMerit } from './candidate-ranking.ts';
import type { CandidateMerits } from './candidate-ranking.ts';
import type { ObjectGroup } from './object-groups.ts';
import type { Choice, GroupPlacement } from './placement.ts';

/**
 * - `kept`: the rule's copies are there.
 * - `new`: it has room for them.
 * - `leaving`: it has room, and an earlier copy is still being deleted there: the new one has to wait for that.
 * - `partly`: it has room, and not every object of the group has a path there.
 * - `stuck`: the rule has a lock there, and could not bring or keep the bytes; for want of a better place.
 */
export type Standing = 'kept' | 'new' | 'leaving' | 'partly' | 'stuck';

const STANDINGS: readonly Standing[] = ['kept', 'new', 'leaving', 'partly', 'stuck'];

export interface Candidate {
  readonly standing: Standing;
  /** What fails together with it. */
  readonly domain: string;
  readonly merits: CandidateMerits;
}

export interface StoreChoice {
  readonly copies: number;
  /** Domains that have a copy of the group already, which is not the rule's to place. */
  readonly domainsTaken: ReadonlySet<string>;
}

/** A candidate while copies are given out. */
interface Turn {
  readonly candidate: Candidate;
  /** Its place among all candidates by merits alone. */
  readonly rank: number;
  copiesInDomain: number;
}

/**
 * The stores of a group, one copy after the other. Each choice depends on those before it and on nothing after it, so a number
 * that is raised adds, and one that is lowered takes from the end. What is kept stays, unless it shares a failure domain while
 * another has no copy.
 */
export function chooseStores(
  candidates: readonly Candidate[],
  { copies, domainsTaken }: StoreChoice,
  group: ObjectGroup,
): Pick<GroupPlacement, 'chosen' | 'passedOver'> {
  const ranked = candidates.toSorted((a, b) => compareMerits(a.merits, b.merits));
  const waiting = ranked.map(
    (candidate, rank): Turn => ({ candidate, rank, copiesInDomain: domainsTaken.has(candidate.domain) ? 1 : 0 }),
  );
  const chosen: Choice[] = [];
  for (let turn = takeFirst(waiting, copies); turn !== undefined; turn = takeFirst(waiting, copies - chosen.length)) {
    const { merits, standing, domain } = turn.candidate;
    const why = describeTurn(turn, findFirst(waiting), group);
    chosen.push({ store: merits.store, isKept: standing === 'kept' || standing === 'stuck', why });
    for (const other of waiting) if (other.candidate.domain === domain) other.copiesInDomain++;
  }
  waiting.sort(compareTurns);
  return { chosen, passedOver: waiting.map((turn) => ({ store: turn.candidate.merits.store, why: passOver(turn) })) };
}

function takeFirst(waiting: Turn[], copiesLeft: number): Turn | undefined {
  const first = copiesLeft > 0 ? findFirst(waiting) : undefined;
  if (first !== undefined) waiting.splice(waiting.indexOf(first), 1);
  return first;
}

function findFirst(waiting: readonly Turn[]): Turn | undefined {
  let first: Turn | undefined;
  for (const turn of waiting) if (first === undefined || compareTurns(turn, first) < 0) first = turn;
  return first;
}

/** A free failure domain, then standing, then the emptier domain, then merits. */
function compareTurns(a: Turn, b: Turn): number {
  return (
    Math.min(a.copiesInDomain, 1) - Math.min(b.copiesInDomain, 1) ||
    STANDINGS.indexOf(a.candidate.standing) - STANDINGS.indexOf(b.candidate.standing) ||
    a.copiesInDomain - b.copiesInDomain ||
    a.rank - b.rank
  );
}

const FOR_WANT_OF_BETTER: Readonly<Record<Exclude<Standing, 'new'>, string>> = {
  kept: 'the rule’s copies are there already',
  leaving: 'an earlier copy is deleted there first, and there is no better place',
  partly: 'some of the group have a path there, and there is no better place',
  stuck: 'the rule’s lock is there, and there is no better place',
};

/** Of a candidate that comes after a new one for what it is. */
function describeWorse({ standing, merits: { store } }: Candidate): string {
  if (standing === 'leaving') return `an earlier copy is still being deleted at ${store}`;
  return standing === 'partly'
    ? `not every object of the group has a path at ${store}`
    : `${store} could not be brought its copies`;
}

function describeTurn(turn: Turn, next: Turn | undefined, group: ObjectGroup): string {
  const { standing, merits } = turn.candidate;
  const crowding = turn.copiesInDomain > 0 ? ', and no candidate is in a failure domain without a copy' : '';
  if (standing !== 'new') return `${FOR_WANT_OF_BETTER[standing]}${crowding}`;
  if (next === undefined) return `it is the only candidate left${crowding}`;
  const { candidate: other, copiesInDomain } = next;
  if (turn.copiesInDomain < copiesInDomain)
    return `its failure domain has fewer copies than that of ${other.merits.store}`;
  if (other.standing !== standing) return `${describeWorse(other)}${crowding}`;
  return `${describeMerit(merits, other.merits, group)}, before ${other.merits.store}${crowding}`;
}

function passOver({ copiesInDomain }: Turn): string {
  return copiesInDomain > 0
    ? 'its failure domain has a copy, and the rule has all its copies'
    : 'the rule has all its copies';
}
