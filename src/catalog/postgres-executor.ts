import type { Pool, PoolClient } from 'pg';
import { CatalogError } from '../ports/catalog.ts';
import type { Executor, Verb } from './executor.ts';
import { forgetLearnt, type Known } from './known.ts';
import type { PostgresBell } from './postgres-bell.ts';
import { isWorthRepeating, postgresError } from './postgres-errors.ts';
import { postgresSession } from './postgres-session.ts';
import type { Session } from './session.ts';

/** A transaction that was rolled back for the sake of another one is run again so many times. */
const ATTEMPTS_MAX = 10;

/** Runs verbs on connections of a pool, each writing one in a transaction of its own. */
export class PostgresExecutor implements Executor {
  readonly #pool: Pool;
  readonly #known: Known;
  readonly #bell: PostgresBell;
  readonly #location: string;
  readonly #sessions = new WeakMap<PoolClient, Session>();

  constructor(parts: {
    readonly pool: Pool;
    readonly known: Known;
    readonly bell: PostgresBell;
    readonly location: string;
  }) {
    this.#pool = parts.pool;
    this.#known = parts.known;
    this.#bell = parts.bell;
    this.#location = parts.location;
  }

  read<T>(verb: Verb<T>): Promise<T> {
    return this.#withSession((session) => verb(session));
  }

  write<T>(verb: Verb<T>): Promise<T> {
    return this.#withSession(async (session, client) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await transact(client, () => verb(session));
        } catch (error) {
          forgetLearnt(this.#known);
          if (attempt === ATTEMPTS_MAX || !isWorthRepeating(error)) throw error;
        }
      }
    });
  }

  async tell<T>(verb: Verb<T>, isNews: (value: T) => boolean = () => true): Promise<T> {
    const value = await this.write(verb);
    if (isNews(value)) this.#bell.tell();
    return value;
  }

  onDue(hear: () => void): () => void {
    return this.#bell.onDue(hear);
  }

  async close(): Promise<void> {
    if (this.#pool.ended || this.#pool.ending) return;
    await this.#bell.close();
    // Without an answer the slot is free when its lease runs out.
    await this.write((session) => session.known.slot.release(session)).catch(() => {});
    await this.#pool.end();
  }

  async #withSession<T>(work: (session: Session, client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let broken: Error | undefined;
    try {
      client = await this.#pool.connect();
      return await work(this.#sessionOf(client), client);
    } catch (error) {
      const translated = postgresError(error, this.#location);
      // A connection that answered with an error of SQL is whole; one that failed otherwise is thrown away.
      if (translated.kind === 'unavailable') broken = translated;
      throw translated;
    } finally {
      client?.release(broken);
    }
  }

  #sessionOf(client: PoolClient): Session {
    let session = this.#sessions.get(client);
    if (session === undefined) {
      session = postgresSession(client, this.#known);
      this.#sessions.set(client, session);
    }
    return session;
  }
}

/** Read committed: what a decision stands on is locked by the verbs themselves. */
export async function transact<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level read committed');
  let value: T;
  try {
    value = await work();
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') throw new CatalogError('failed', 'the transaction was rolled back instead of committed');
  return value;
}
