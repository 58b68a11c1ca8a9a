import type { Kysely } from 'kysely';
import type { Known } from './known.ts';
import type { Schema } from './schema.ts';
import type { Session } from './session.ts';
import { bindable, type SqliteConnection } from './sqlite-connection.ts';
import { sqliteEngine } from './sqlite-engine.ts';

/** Set statements run once a row, with one cached prepared statement: about a microsecond each. */
export function sqliteSession(connection: SqliteConnection, db: Kysely<Schema>, known: Known): Session {
  return {
    engine: sqliteEngine,
    db,
    known,
    async run(set, rows) {
      const statement = connection.statement(set);
      let changed = 0;
      for (const row of rows) changed += Number(statement.run(...row).changes);
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
