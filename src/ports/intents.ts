import type { Content } from '../domain/object/version.ts';

/** Who holds something, so that a dead holder on the same host is recognised at once. */
export interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly startedMs: number;
}

/** `elsewhere`: the scope's source is at this place by now, and nothing is written at another one in its name. */
export type IntentAdded = 'added' | { readonly heldBy: Intent } | { readonly elsewhere: string };

export interface Intent {
  readonly operation: string;
  readonly scope: string;
  readonly name: string;
  readonly store: string;
  readonly key: string;
  /** What the store held when the write began; undefined: nothing. */
  readonly oldToken: string | undefined;
  readonly follows: number | undefined;
  readonly content: Content;
  readonly holder: Holder;
  readonly createdMs: number;
}
