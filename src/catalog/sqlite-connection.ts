import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Clock } from '../ports/clock.ts';
import type { SetStatement } from './session.ts';
import { NOW_FUNCTION, severalRows, sqliteEngine } from './sqlite-engine.ts';

/** Statements of built queries are kept up to this number; the verbs' own are fewer than a hundred. */
const BUILT_STATEMENTS_MAX = 200;

/** Rows inserted by one statement, where there are so many: what a statement costs by itself is then shared by them. */
export const ROWS_TOGETHER = 16;

/** Another process may write for so long before we give up with `locked`. */
const BUSY_MS = 60_000;

/** Pages SQLite keeps in memory; beyond it the system's cache serves. */
const CACHE_KIB = 16 * 1024;

/** The log is moved into the file after so many 4 KiB pages: 16 MiB. */
const CHECKPOINT_PAGES = 4096;

/** A database that is in no file: `:memory:`, or `file:/NAME?vfs=memdb`, which several connections of this process may open. */
export function isInMemory(path: string): boolean {
  return path === ':memory:' || path.endsWith('?vfs=memdb');
}

/** One open database with its prepared statements. All calls are synchronous. */
export class SqliteConnection {
  /** Other processes may have it open too. */
  readonly isShared: boolean;
  readonly #database: DatabaseSync;
  readonly #own = new Map<SetStatement, StatementSync>();
  readonly #ownOfSeveral = new Map<SetStatement, StatementSync>();
  readonly #built = new Map<string, StatementSync>();

  /** `path` is a file that exists, or is in memory. */
  constructor(path: string, clock: Clock) {
    this.isShared = !isInMemory(path);
    this.#database = new DatabaseSync(path, { timeout: BUSY_MS });
    this.#database.function(NOW_FUNCTION, () => BigInt(Math.floor(clock.nowMs())));
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = off;
      pragma cache_size = -${CACHE_KIB};
      pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
      pragma journal_size_limit = ${CHECKPOINT_PAGES * 4096};
      pragma temp_store = memory;
    `);
  }

  /** False after an error that made SQLite roll back by itself. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs one statement without rows: the ones that begin, save and end transactions. */
  exec(sql: string): void {
    this.prepare(sql).run();
  }

  /** For one row. */
  statement(set: SetStatement): StatementSync {
    return this.#ownStatement(this.#own, set, 1);
  }

  /** For `ROWS_TOGETHER` rows. */
  statementOfSeveral(set: SetStatement): StatementSync {
    return this.#ownStatement(this.#ownOfSeveral, set, ROWS_TOGETHER);
  }

  #ownStatement(prepared: Map<SetStatement, StatementSync>, set: SetStatement, rows: number): StatementSync {
    let statement = prepared.get(set);
    if (statement === undefined) {
      statement = this.#database.prepare(set.text(severalRows(set.columns, rows), sqliteEngine));
      statement.setReturnArrays(true);
      prepared.set(set, statement);
    }
    return statement;
  }

  /** The statement of a built query, prepared once; the ones not used for longest go. */
  prepare(sql: string): StatementSync {
    let statement = this.#built.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      const [oldest] = this.#built.keys();
      if (this.#built.size >= BUILT_STATEMENTS_MAX && oldest !== undefined) this.#built.delete(oldest);
    } else {
      this.#built.delete(sql);
    }
    this.#built.set(sql, statement);
    return statement;
  }

  /** How many commits were told by now, as a number that goes round. */
  told(): number {
    return Number(this.prepare('pragma user_version').get()?.['user_version']);
  }

  /** Counts the transaction that is on as told, and returns the number it has if it commits. */
  countTold(): number {
    const number = (this.told() + 1) | 0;
    this.#database.exec(`pragma user_version = ${number}`);
    return number;
  }

  close(): void {
    this.#own.clear();
    this.#ownOfSeveral.clear();
    this.#built.clear();
    this.#database.close();
  }
}

/** What `node:sqlite` can bind: it knows neither undefined nor booleans. */
export function bindable(value: unknown): SQLInputValue {
  if (value === undefined) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value as SQLInputValue;
}
