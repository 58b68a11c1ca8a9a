/** One thing that was decided or done, and the facts of it: plain values, never a secret. */
export type Tell = (message: string, facts?: Readonly<Record<string, string | number | undefined>>) => void;

/** Told of what an operator should look into, whether or not anybody asked. */
export type Alarm = (message: string, facts: Readonly<Record<string, string | number>>) => void;

/**
 * What an operator who asked for it is told while Pando works. Telling never fails and never waits, and what nobody asked for is
 * not there, so that nothing is put together for it: `telling.debug?.('copied', { … })`.
 */
export interface Telling {
  /** Decisions about stores, leases, pages, retries and fallbacks: some lines a second at most. */
  readonly info?: Tell | undefined;
  /** What was done with each object. */
  readonly debug?: Tell | undefined;
}
