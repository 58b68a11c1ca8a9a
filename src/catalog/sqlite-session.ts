import type { Kysely } from 'kysely';
import type { Known } from './known.ts';
import type { Schema } from './schema.ts';
import type { Session } from './session.ts';
import { bindable, ROWS_TOGETHER, type SqliteConnection } from './sqlite-connection.ts';
import { sqliteEngine } from './sqlite-engine.ts';

/** Set statements run once a row, or a few rows that are only inserted, with cached prepared statements: about a microsecond each. */
export function sqliteSession(connection: SqliteConnection, db: Kysely<Schema>, known: Known): Session {
  return {
    engine: sqliteEngine,
    db,
    known,
    async run(set, rows) {
      let changed = 0;
      let at = 0;
      if (set.insertsOnly === true && rows.length >= ROWS_TOGETHER) {
        const several = connection.statementOfSeveral(set);
        for (; at + ROWS_TOGETHER <= rows.length; at += ROWS_TOGETHER)
          changed += Number(several.run(...rows.slice(at, at + ROWS_TOGETHER).flat()).changes);
      }
      const statement = connection.statement(set);
      for (; at < rows.length; at++) changed += Number(statement.run(...(rows[at] ?? [])).changes);
      return changed;
    },
    async all<Row extends readonly unknown[]>(set: Parameters<Session['all']>[0], rows: Parameters<Session['all']>[1]) {
      const statement = connection.statement(set);
      const found: Row[] = [];
      for (const row of rows) {
        for (const one of statement.all(...row)) found.push(one as unknown as Row);
      }
      return found;
    },
    async arrays<Row extends readonly unknown[]>(query: Parameters<Session['arrays']>[0]) {
      const { sql, parameters } = query.compile();
      const statement = connection.prepare(sql);
      statement.setReturnArrays(true);
      return statement.all(...parameters.map(bindable)) as unknown as Row[];
    },
  };
}
