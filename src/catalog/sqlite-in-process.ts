import { Kysely } from 'kysely';
import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { createCatalog } from './create-catalog.ts';
import { GroupCommit } from './group-commit.ts';
import { emptyKnown } from './known.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema.ts';
import { readSite } from './site.ts';
import { Slot } from './slot.ts';
import { SqliteBell } from './sqlite-bell.ts';
import { isInMemory, SqliteConnection } from './sqlite-connection.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import { sqliteEngine } from './sqlite-engine.ts';
import { sqliteError } from './sqlite-errors.ts';
import { preparePlace } from './sqlite-place.ts';
import { sqliteSession } from './sqlite-session.ts';

export interface SqliteInProcess {
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Names this start of the machine. */
  readonly boot: string;
  /** Starts a turn of work; a turn that starts later shares its commit with more callers. */
  readonly schedule: (turn: () => void) => void;
}

/** All processes write through one slot: SQLite lets only one of them write at a time. */
const SHARED_HOLDER = 'all';

/** Opens the file in this thread; every call stops the event loop for as long as it runs. */
export async function openSqliteInProcess(options: SqliteInProcess): Promise<Catalog> {
  const { path, clock, random, boot, schedule } = options;
  const location = `sqlite:${path}`;
  let connection: SqliteConnection | undefined;
  try {
    const file = isInMemory(path) ? path : preparePlace(path);
    connection = new SqliteConnection(file, clock);
    const db = new Kysely<Schema>({ dialect: new SqliteDialect(connection) });
    connection.exec('begin immediate');
    await migrate(db, sqliteEngine, location);
    const siteId = await readSite(db, sqliteEngine, random);
    connection.exec('commit');
    const known = emptyKnown({ siteId, clock, random, boot, slot: new Slot(SHARED_HOLDER) });
    const session = sqliteSession(connection, db, known);
    const executor = new GroupCommit({
      connection,
      session,
      bell: new SqliteBell(connection, clock),
      schedule,
      translate: (error) => sqliteError(error, location),
    });
    return createCatalog({ executor, location, engine: sqliteEngine });
  } catch (error) {
    connection?.close();
    throw sqliteError(error, location);
  }
}
