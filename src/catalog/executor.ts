import type { DueBell } from '../ports/due-bell.ts';
import type { Session } from './session.ts';

export type Verb<T> = (session: Session) => Promise<T>;

/** Runs verbs against one engine. */
export interface Executor extends DueBell {
  /** Outside of a transaction: what must fit together comes from one statement. */
  read<T>(verb: Verb<T>): Promise<T>;
  /** In a transaction that is durable when the promise resolves; a verb that throws leaves nothing behind. */
  write<T>(verb: Verb<T>): Promise<T>;
  /** As `write`, of what may make something due; `isNews`: whether it may have, by what it answers. Those who listen are told. */
  tell<T>(verb: Verb<T>, isNews?: (value: T) => boolean): Promise<T>;
  /** Waits for what runs, then lets go of the database. */
  close(): Promise<void>;
}
