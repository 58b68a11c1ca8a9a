import type { Session } from './session.ts';

export type Verb<T> = (session: Session) => Promise<T>;

/** Runs verbs against one engine. */
export interface Executor {
  /** Outside of a transaction: what must fit together comes from one statement. */
  read<T>(verb: Verb<T>): Promise<T>;
  /** In a transaction that is durable when the promise resolves; a verb that throws leaves nothing behind. */
  write<T>(verb: Verb<T>): Promise<T>;
  /** Waits for what runs, then lets go of the database. */
  close(): Promise<void>;
}
