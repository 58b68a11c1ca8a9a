import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import type { PoolClient } from 'pg';
import type { ColumnType } from './engine.ts';
import type { Known } from './known.ts';
import { postgresEngine } from './postgres-engine.ts';
import type { Schema } from './schema.ts';
import type { Session, SetStatement, SqlValue } from './session.ts';

interface Prepared {
  readonly name: string;
  readonly text: string;
}

const prepared = new WeakMap<SetStatement, Prepared>();
let preparedCount = 0;

/** Set statements run once, over one array a column. Kysely's queries go over the same connection, so into its transaction. */
export function postgresSession(client: PoolClient, known: Known): Session {
  const db = kyselyOver(client);
  async function query(set: SetStatement, rows: readonly (readonly SqlValue[])[]) {
    const values = Object.values(set.columns).map((type, column) => rows.map((row) => toArrayItem(row[column], type)));
    return client.query<unknown[]>({ ...prepare(set), values, rowMode: 'array' });
  }
  return {
    engine: postgresEngine,
    db,
    known,
    async run(set, rows) {
      return rows.length === 0 ? 0 : ((await query(set, rows)).rowCount ?? 0);
    },
    async all<Row extends readonly unknown[]>(set: SetStatement, rows: readonly (readonly SqlValue[])[]) {
      return rows.length === 0 ? [] : ((await query(set, rows)).rows as unknown as Row[]);
    },
    async arrays<Row extends readonly unknown[]>(built: Parameters<Session['arrays']>[0]) {
      const { sql, parameters } = built.compile();
      const { rows } = await client.query<unknown[]>({ text: sql, values: [...parameters], rowMode: 'array' });
      return rows as unknown as Row[];
    },
  };
}

/** A Kysely whose only connection is this one; it lets go of nothing. */
export function kyselyOver(client: PoolClient): Kysely<Schema> {
  const kept = { query: client.query.bind(client), release: () => {} } as unknown as PostgresPoolClient;
  const pool = { connect: async () => kept, end: async () => {}, options: {} };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

/** A statement with a name is parsed and planned once a connection. */
function prepare(set: SetStatement): Prepared {
  let known = prepared.get(set);
  if (known === undefined) {
    const text = set.text(postgresEngine.rows(set.columns), postgresEngine);
    known = { name: `pando_${++preparedCount}`, text };
    prepared.set(set, known);
  }
  return known;
}

/** The driver writes arrays as text; bytes must be Buffers for it to see what they are. */
function toArrayItem(value: SqlValue | undefined, type: ColumnType): unknown {
  if (value === undefined || value === null) return null;
  if (type === 'bytes') return Buffer.isBuffer(value) ? value : Buffer.from(value as Uint8Array);
  return type === 'int' ? String(value) : value;
}
