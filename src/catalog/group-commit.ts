import { CatalogError } from '../ports/catalog.ts';
import type { Executor, Verb } from './executor.ts';
import { forgetLearnt } from './known.ts';
import type { Session } from './session.ts';
import type { SqliteBell } from './sqlite-bell.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

/** So many verbs share one commit at most, so that the first of them does not wait for ever. */
const GROUP_MAX = 1024;

/** A verb that was carried out, once its group is durable. */
interface Done {
  readonly answer: () => void;
  readonly isNews: boolean;
}

interface Waiting {
  readonly verb: Verb<unknown>;
  readonly isNews?: (value: unknown) => boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs verbs on the one SQLite connection, one at a time. Those that write and are waiting at the same moment share one
 * transaction: each inside a savepoint, so that a failing one takes nothing with it, all resolved after the common commit.
 * Reads run in between, outside of the transaction, and see only what is committed.
 */
export class GroupCommit implements Executor {
  readonly #connection: SqliteConnection;
  readonly #session: Session;
  readonly #bell: SqliteBell;
  readonly #translate: (error: unknown) => CatalogError;
  readonly #schedule: (turn: () => void) => void;
  #reads: Waiting[] = [];
  #writes: Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  /** `schedule` starts a turn: at once in a simulation, after the messages that have arrived in a thread. */
  constructor(options: {
    readonly connection: SqliteConnection;
    readonly session: Session;
    readonly bell: SqliteBell;
    readonly translate: (error: unknown) => CatalogError;
    readonly schedule: (turn: () => void) => void;
  }) {
    this.#connection = options.connection;
    this.#session = options.session;
    this.#bell = options.bell;
    this.#translate = options.translate;
    this.#schedule = options.schedule;
  }

  read<T>(verb: Verb<T>): Promise<T> {
    return this.#enqueue(this.#reads, { verb });
  }

  write<T>(verb: Verb<T>): Promise<T> {
    return this.#enqueue(this.#writes, { verb });
  }

  tell<T>(verb: Verb<T>, isNews: (value: T) => boolean = () => true): Promise<T> {
    return this.#enqueue<T>(this.#writes, { verb, isNews: isNews as (value: unknown) => boolean });
  }

  onDue(hear: () => void): () => void {
    return this.#bell.onDue(hear);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#bell.close();
    await this.#running;
    this.#connection.close();
  }

  #enqueue<T>(queue: Waiting[], asked: Pick<Waiting, 'verb' | 'isNews'>): Promise<T> {
    if (this.#closed) return Promise.reject(new CatalogError('unavailable', 'the catalog is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    queue.push({ ...asked, resolve: resolve as (value: unknown) => void, reject });
    this.#running ??= this.#start();
    return promise;
  }

  async #start(): Promise<void> {
    await new Promise<void>((turn) => this.#schedule(turn));
    while (this.#reads.length + this.#writes.length > 0) {
      for (const waiting of this.#reads.splice(0)) await this.#answerRead(waiting);
      if (this.#writes.length > 0) await this.#commitGroup();
    }
    this.#running = undefined;
  }

  async #answerRead(waiting: Waiting): Promise<void> {
    try {
      waiting.resolve(await waiting.verb(this.#session));
    } catch (error) {
      waiting.reject(this.#translate(error));
    }
  }

  async #commitGroup(): Promise<void> {
    const done: Done[] = [];
    let ring: (() => void) | undefined;
    const group: Waiting[] = [];
    try {
      this.#connection.exec('begin immediate');
      while (this.#writes.length > 0 && group.length < GROUP_MAX) {
        const waiting = this.#writes.shift() as Waiting;
        group.push(waiting);
        done.push(await this.#runInSavepoint(waiting));
      }
      if (done.some(({ isNews }) => isNews)) ring = this.#bell.count();
      this.#connection.exec('commit');
    } catch (error) {
      this.#abort();
      const translated = this.#translate(error);
      // A group that could not begin fails its first verb only; the next turn tries again with the others.
      if (group.length === 0) group.push(this.#writes.shift() as Waiting);
      for (const waiting of group) waiting.reject(translated);
      return;
    }
    for (const { answer } of done) answer();
    ring?.();
  }

  /** Throws only when the whole transaction is gone. */
  async #runInSavepoint(waiting: Waiting): Promise<Done> {
    this.#connection.exec('savepoint verb');
    try {
      const value = await waiting.verb(this.#session);
      this.#connection.exec('release verb');
      return { answer: () => waiting.resolve(value), isNews: waiting.isNews?.(value) === true };
    } catch (error) {
      if (!this.#connection.inTransaction) throw error;
      this.#connection.exec('rollback to verb');
      this.#connection.exec('release verb');
      forgetLearnt(this.#session.known);
      return { answer: () => waiting.reject(this.#translate(error)), isNews: false };
    }
  }

  #abort(): void {
    forgetLearnt(this.#session.known);
    try {
      if (this.#connection.inTransaction) this.#connection.exec('rollback');
    } catch {
      // The error that brought us here is the one to tell.
    }
  }
}
