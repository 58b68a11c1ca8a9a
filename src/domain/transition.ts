/** What an event does to a thing in a state (docs/states.md, "Transitions"). A refusal is an ordinary value: late news is no error. */
export type Transition<State> =
  | { readonly kind: 'moved'; readonly to: State }
  /** It was so already: a repeat, or an event that tells nothing new in this state. */
  | { readonly kind: 'unchanged'; readonly to: State }
  | Refusal;

export interface Refusal {
  readonly kind: 'refused';
  /** Completes "refused because …". */
  readonly why: string;
}

/** The next state, `unchanged`, or why not. */
type Cell<State> = State | 'unchanged' | Refusal;

/** What one event does in each state; `otherwise` in those that are not named. So every pair of state and event has its cell. */
type Row<State extends string> = { readonly otherwise: Cell<State> } & { readonly [S in State]?: Cell<State> };

export type TransitionTable<State extends string, Event extends string> = Readonly<Record<Event, Row<State>>>;

export function refuse(why: string): Refusal {
  return { kind: 'refused', why };
}

/** Looks up one cell. A cell that names the state itself is `unchanged` too. */
export function lookUpTransition<State extends string, Event extends string>(
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): Transition<State> {
  const row = table[event];
  const cell: Cell<State> = (row as Partial<Record<State, Cell<State>>>)[state] ?? row.otherwise;
  if (typeof cell === 'object') return cell;
  return cell === 'unchanged' || cell === state ? { kind: 'unchanged', to: state } : { kind: 'moved', to: cell };
}
