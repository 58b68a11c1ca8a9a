import { type RawBuilder, sql } from 'kysely';
import type { CollectionStanding } from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Session } from '../session.ts';
import { kindName } from './collection-codes.ts';

/** A collection as changes of it must know it. */
export interface FoundCollection extends CollectionStanding {
  readonly id: number;
}

interface StandingRow {
  id: number;
  kind: number;
  is_open: number;
  monotonic: number;
}

export function findCollection(session: Session, name: ObjectName): Promise<FoundCollection | undefined> {
  return find(session, name, sql``);
}

/** The same, and nobody else changes it or its members until the transaction ends. */
export function lockCollection(session: Session, name: ObjectName): Promise<FoundCollection | undefined> {
  return find(session, name, sql.raw(session.engine.forUpdate));
}

async function find(
  session: Session,
  { scope, name }: ObjectName,
  lock: RawBuilder<unknown>,
): Promise<FoundCollection | undefined> {
  const scopeId = await session.known.scopes.findId(session, scope);
  if (scopeId === undefined) return undefined;
  const { rows } = await sql<StandingRow>`
    select id, kind, is_open, monotonic from collection where scope = ${scopeId} and name = ${name} ${lock}`.execute(
    session.db,
  );
  const [row] = rows;
  return row === undefined ? undefined : toFound(row);
}

function toFound({ id, kind, is_open, monotonic }: StandingRow): FoundCollection {
  return { id, kind: kindName(kind), isOpen: is_open === 1, isMonotonic: monotonic === 1 };
}
