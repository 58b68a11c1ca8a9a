import type { Clock } from '../ports/clock.ts';
import type { DueBell } from '../ports/due-bell.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

/** How often somebody who listens looks for what other processes have told. */
const LOOK_MS = 100;

/**
 * Commits that are told are counted in the file's header (`user_version`), inside their transaction: other processes read it, and
 * nobody waits for that.
 */
export class SqliteBell implements DueBell {
  readonly #connection: SqliteConnection;
  readonly #clock: Pick<Clock, 'alarm'>;
  readonly #hearers = new Set<() => void>();
  #heard = 0;
  #stopLooking: (() => void) | undefined;

  constructor(connection: SqliteConnection, clock: Pick<Clock, 'alarm'>) {
    this.#connection = connection;
    this.#clock = clock;
  }

  onDue(hear: () => void): () => void {
    const one = (): void => hear();
    if (this.#hearers.size === 0) {
      this.#heard = this.#connection.told();
      this.#lookLater();
    }
    this.#hearers.add(one);
    return () => {
      this.#hearers.delete(one);
      if (this.#hearers.size === 0) this.#stopLooking?.();
    };
  }

  /** Inside of a transaction. Returns what to do after its commit. */
  count(): () => void {
    const told = this.#connection.countTold();
    return () => {
      this.#heard = told;
      this.#ring();
    };
  }

  close(): void {
    this.#hearers.clear();
    this.#stopLooking?.();
  }

  #lookLater(): void {
    // Of a catalog in memory there are no others.
    if (!this.#connection.isShared) return;
    this.#stopLooking = this.#clock.alarm(LOOK_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    if (this.#connection.inTransaction) return;
    let told: number;
    try {
      told = this.#connection.told();
    } catch {
      // Whoever calls next is told what is wrong with the file.
      return;
    }
    if (told === this.#heard) return;
    this.#heard = told;
    this.#ring();
  }

  #ring(): void {
    for (const hear of this.#hearers) hear();
  }
}
