import type { Compilable, Kysely } from 'kysely';
import type { ColumnType, Engine } from './engine.ts';
import type { Known } from './known.ts';
import type { Schema } from './schema.ts';

export type SqlValue = number | bigint | string | Uint8Array | null;

/**
 * One statement over a set of rows, the same text on both engines: PostgreSQL runs it once over arrays, SQLite once a row
 * or a few, with cached prepared statements. The rows must not touch one row of the table twice.
 */
export interface SetStatement {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly text: (rows: string, engine: Engine) => string;
  /** It inserts the rows and looks for nothing by them: SQLite takes them a few at a time. */
  readonly insertsOnly?: true;
}

/** A connection as the verbs see it: in the transaction of the verb, if the verb writes. */
export interface Session {
  readonly engine: Engine;
  /** For statements that run seldom: compiled anew each time. */
  readonly db: Kysely<Schema>;
  readonly known: Known;
  /** Runs the statement; returns how many rows it changed. */
  run(statement: SetStatement, rows: readonly (readonly SqlValue[])[]): Promise<number>;
  /** Runs the statement; returns its rows as arrays. */
  all<Row extends readonly unknown[]>(statement: SetStatement, rows: readonly (readonly SqlValue[])[]): Promise<Row[]>;
  /** Runs a built query; returns its rows as arrays, which are cheaper than objects where there are thousands. */
  arrays<Row extends readonly unknown[]>(query: Compilable): Promise<Row[]>;
}

/** Splits items so that no group has one key twice; the order of items with one key is kept. */
export function rounds<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const seen = new Map<string, number>();
  const groups: T[][] = [];
  for (const item of items) {
    const name = key(item);
    const round = seen.get(name) ?? 0;
    seen.set(name, round + 1);
    (groups[round] ??= []).push(item);
  }
  return groups;
}
