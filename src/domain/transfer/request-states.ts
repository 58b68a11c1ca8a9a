import { lookUpTransition, refuse, type Transition, type TransitionTable } from '../transition.ts';

/**
 * The states of a request (docs/states.md, "Requests").
 *
 * - `QUEUED`: to be claimed when it is due.
 * - `SUBMITTED`: a worker holds it under a lease, or a transfer tool works on it.
 * - `WAITING`: held back by something other than time: a limit, a hop before it, bytes that still have to go.
 * - `DONE`: the store has what was asked for. Not kept for long.
 * - `FAILED`: its attempts are used up. `NO_SOURCES`: no store can give the bytes. Both are asked for again later.
 * - `CANCELLED`: nobody wants it any more.
 */
export type RequestState = (typeof REQUEST_STATES)[number];

export const REQUEST_STATES = ['QUEUED', 'SUBMITTED', 'WAITING', 'DONE', 'FAILED', 'NO_SOURCES', 'CANCELLED'] as const;

/**
 * - `claimed`: under a lease; also by the next worker, after a lease ran out.
 * - `arrived`: the store has it, by this request or by any other way.
 * - `attempt-failed`: and others are left. `interrupted`: the worker was stopped, nothing failed.
 * - `attempts-used-up`, `sources-used-up`: no other attempt is left, or no source.
 * - `held-back`, `let-go`: something else has to happen first; it has happened.
 * - `asked-again`: by a rule, a repair or a person. Of what is queued or under way already, once is enough.
 * - `cancelled`: the version is not current any more, or no rule wants it.
 */
export type RequestEvent =
  | 'claimed'
  | 'arrived'
  | 'attempt-failed'
  | 'interrupted'
  | 'attempts-used-up'
  | 'sources-used-up'
  | 'held-back'
  | 'let-go'
  | 'asked-again'
  | 'cancelled';

const OVER = refuse('it is over: it has to be asked for again first');
const CANCELLED = refuse('it was cancelled');
const DONE = refuse('it is done');
const NOT_CLAIMED = refuse('nobody had claimed it');
const HELD_BACK = refuse('it is held back');

const TABLE: TransitionTable<RequestState, RequestEvent> = {
  claimed: { otherwise: OVER, QUEUED: 'SUBMITTED', SUBMITTED: 'unchanged', WAITING: HELD_BACK },
  arrived: { otherwise: 'DONE', CANCELLED },
  'attempt-failed': { otherwise: OVER, QUEUED: 'unchanged', SUBMITTED: 'QUEUED', WAITING: NOT_CLAIMED },
  interrupted: { otherwise: OVER, QUEUED: 'unchanged', SUBMITTED: 'QUEUED', WAITING: NOT_CLAIMED },
  'attempts-used-up': {
    otherwise: OVER,
    QUEUED: NOT_CLAIMED,
    SUBMITTED: 'FAILED',
    WAITING: NOT_CLAIMED,
    FAILED: 'unchanged',
  },
  // Also seen when sources are looked for before anybody claims it.
  'sources-used-up': { otherwise: 'NO_SOURCES', DONE, FAILED: OVER, CANCELLED },
  'held-back': { otherwise: OVER, QUEUED: 'WAITING', SUBMITTED: 'WAITING', WAITING: 'unchanged' },
  'let-go': { otherwise: OVER, QUEUED: 'unchanged', SUBMITTED: 'unchanged', WAITING: 'QUEUED' },
  'asked-again': { otherwise: 'QUEUED', SUBMITTED: 'unchanged', WAITING: 'unchanged' },
  cancelled: { otherwise: 'CANCELLED', DONE },
};

export function transitionRequest(state: RequestState, event: RequestEvent): Transition<RequestState> {
  return lookUpTransition(TABLE, state, event);
}
