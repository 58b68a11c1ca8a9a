import { type ActivityShare, type FromTo, OTHER_ACTIVITIES, type TransfersInHand } from './transfer-limits.ts';

/** Requests that differ in nothing that limits, shares and priorities look at. */
export interface Lane extends FromTo {
  readonly id: number;
  readonly activity: string;
  readonly priority: number;
  /** Those due for longest come first. */
  readonly due: readonly { readonly id: number; readonly dueMs: number }[];
  /** More are due than are named here. */
  readonly isCut: boolean;
}

export interface DivideClaims<OneLane extends Lane> {
  readonly lanes: readonly OneLane[];
  readonly limit: number;
  /** What is chosen is added to it. */
  readonly inHand: TransfersInHand;
  readonly shares: readonly ActivityShare[];
  /** As the division before left it. */
  readonly ahead: Turns;
}

/** How far each share is ahead of the one whose turn it was last; 0 is left out. */
export type Turns = ReadonlyMap<string, number>;

export interface ClaimsDivided<OneLane extends Lane> {
  readonly chosen: readonly { readonly id: number; readonly lane: OneLane }[];
  readonly ahead: Turns;
}

/** What one claim of weight 1 puts its share ahead. */
const STEP = 1_000_000_000;

interface Waiting<OneLane extends Lane> {
  readonly lane: OneLane;
  readonly id: number;
  readonly dueMs: number;
  readonly isLastOfCut: boolean;
}

/** A share with something queued. */
interface Queue<OneLane extends Lane> {
  readonly name: string;
  readonly step: number;
  readonly waiting: readonly Waiting<OneLane>[];
  next: number;
  ahead: number;
}

/**
 * Who is next (docs/transfers.md, "Shares"): always the share that is behind, so that over time each gets its part of what is carried out;
 * one that had nothing queued is owed nothing for that. Within a share the most urgent priority first, then what has been due for
 * longest; what a limit holds back is passed over.
 */
export function divideClaims<OneLane extends Lane>(claims: DivideClaims<OneLane>): ClaimsDivided<OneLane> {
  const { lanes, limit, inHand, shares, ahead } = claims;
  const queues = queuesOf(lanes, shares, ahead);
  const chosen: { id: number; lane: OneLane }[] = [];
  let turn = 0;
  while (chosen.length < limit) {
    const queue = nextQueue(queues, inHand);
    if (queue === undefined) break;
    const { id, lane, isLastOfCut } = queue.waiting[queue.next++] as Waiting<OneLane>;
    chosen.push({ id, lane });
    inHand.add(lane);
    turn = Math.max(turn, queue.ahead);
    queue.ahead = turn + queue.step;
    // What comes after it is not known: better another claim than a wrong order.
    if (isLastOfCut) break;
  }
  const left = new Map([...ahead, ...queues.map((queue) => [queue.name, queue.ahead] as const)]);
  return {
    chosen,
    ahead: new Map([...left].map(([name, by]) => [name, by - turn] as const).filter(([, by]) => by > 0)),
  };
}

function queuesOf<OneLane extends Lane>(
  lanes: readonly OneLane[],
  shares: readonly ActivityShare[],
  ahead: Turns,
): Queue<OneLane>[] {
  const weights = new Map(shares.map(({ activity, weight }) => [activity, weight]));
  const nameOf = (activity: string): string => (weights.has(activity) ? activity : OTHER_ACTIVITIES);
  return [...Map.groupBy(lanes, ({ activity }) => nameOf(activity))].map(([name, own]) => ({
    name,
    step: Math.max(1, Math.round(STEP / (weights.get(name) ?? 1))),
    waiting: own.flatMap((lane) => waitingIn(lane)).toSorted(byUrgency),
    next: 0,
    ahead: ahead.get(name) ?? 0,
  }));
}

function waitingIn<OneLane extends Lane>(lane: OneLane): Waiting<OneLane>[] {
  return lane.due.map(({ id, dueMs }, at) => ({
    lane,
    id,
    dueMs,
    isLastOfCut: lane.isCut && at === lane.due.length - 1,
  }));
}

function byUrgency(a: Waiting<Lane>, b: Waiting<Lane>): number {
  return a.lane.priority - b.lane.priority || a.dueMs - b.dueMs || a.id - b.id;
}

function nextQueue<OneLane extends Lane>(
  queues: readonly Queue<OneLane>[],
  inHand: TransfersInHand,
): Queue<OneLane> | undefined {
  let next: Queue<OneLane> | undefined;
  for (const queue of queues) {
    for (; queue.next < queue.waiting.length; queue.next++) {
      // There is never more room than before.
      if (inHand.roomFor((queue.waiting[queue.next] as Waiting<OneLane>).lane) > 0) break;
    }
    if (queue.next === queue.waiting.length) continue;
    if (next === undefined || isBefore(queue, next)) next = queue;
  }
  return next;
}

/** Of equals the larger share comes first. */
function isBefore(a: Queue<Lane>, b: Queue<Lane>): boolean {
  if (a.ahead !== b.ahead) return a.ahead < b.ahead;
  return a.step === b.step ? a.name < b.name : a.step < b.step;
}
