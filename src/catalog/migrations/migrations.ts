import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { EngineDdl } from '../engine.ts';
import { baseTables } from './0001-base.ts';
import { ruleTables } from './0002-rules.ts';
import { objectPolicies } from './0003-object-policies.ts';
import { auditTables } from './0004-audits.ts';
import { relayIndex } from './0005-relays.ts';
import { laneTables } from './0006-lanes.ts';
import { ruleRoom } from './0007-room.ts';
import { placeIndex } from './0008-places.ts';
import { syncPurposes } from './0009-purposes.ts';
import { releasedOrder } from './0010-released-order.ts';
import { storeAbsences } from './0011-store-absences.ts';
import { siteTables } from './0012-sites.ts';
import { serverTables } from './0013-server.ts';
import { grownTargets } from './0014-grown-targets.ts';
import { peerBacklogs } from './0015-backlogs.ts';
import { siteLives } from './0016-lives.ts';
import { peerReceipts } from './0017-receipts.ts';
import { passedOver } from './0018-passed-over.ts';

/** All migrations, oldest first; they only go up. The names are kept in the catalog: never rename one. */
const steps: Readonly<Record<string, (ddl: EngineDdl) => readonly string[]>> = {
  '0001-base': baseTables,
  '0002-rules': ruleTables,
  '0003-object-policies': objectPolicies,
  '0004-audits': auditTables,
  '0005-relays': relayIndex,
  '0006-lanes': laneTables,
  '0007-room': ruleRoom,
  '0008-places': placeIndex,
  '0009-purposes': syncPurposes,
  '0010-released-order': releasedOrder,
  '0011-store-absences': storeAbsences,
  '0012-sites': siteTables,
  '0013-server': serverTables,
  '0014-grown-targets': grownTargets,
  '0015-backlogs': peerBacklogs,
  '0016-lives': siteLives,
  '0017-receipts': peerReceipts,
  '0018-passed-over': passedOver,
};

export const MIGRATION_NAMES: readonly string[] = Object.keys(steps);

export function migrationsFor(ddl: EngineDdl): Record<string, Migration> {
  return Object.fromEntries(Object.entries(steps).map(([name, statements]) => [name, migration(statements(ddl))]));
}

function migration(statements: readonly string[]): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
