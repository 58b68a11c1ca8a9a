import { sql } from 'kysely';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { ReplicationPolicy } from '../../domain/rule/replication-policy.ts';
import type { ObjectTraits } from '../../ports/collections.ts';
import { OBJECT } from '../codes.ts';
import type { Session } from '../session.ts';

interface TraitRow {
  id: number;
  format: string | null;
  rights_holder: string | null;
  authority: number | null;
  policy: string | null;
}

export async function readTraits(session: Session, name: ObjectName): Promise<ObjectTraits | undefined> {
  const row = await findTraits(session, name);
  if (row === undefined) return undefined;
  const { format, rights_holder, authority, policy } = row;
  return {
    format: format ?? undefined,
    rightsHolder: rights_holder ?? undefined,
    authority: authority === null ? undefined : await session.known.stores.textOf(session, authority),
    policy: policy === null ? undefined : (JSON.parse(policy) as ReplicationPolicy),
  };
}

export async function setTraits(session: Session, name: ObjectName, traits: Partial<ObjectTraits>): Promise<boolean> {
  const row = await findTraits(session, name);
  if (row === undefined) return false;
  const { format, rightsHolder, authority, policy } = traits;
  const store = authority === undefined ? null : await session.known.stores.requireId(session, authority);
  const changed = {
    ...('format' in traits ? { format: format ?? null } : {}),
    ...('rightsHolder' in traits ? { rights_holder: rightsHolder ?? null } : {}),
    ...('authority' in traits ? { authority: store } : {}),
    ...('policy' in traits ? { policy: policy === undefined ? null : JSON.stringify(policy) } : {}),
  };
  if (Object.keys(changed).length === 0) return true;
  await session.db
    .insertInto('object_trait')
    .values({ object: row.id, format: null, rights_holder: null, authority: null, policy: null, ...changed })
    .onConflict((conflict) => conflict.column('object').doUpdateSet(changed))
    .execute();
  return true;
}

async function findTraits(session: Session, { scope, name }: ObjectName): Promise<TraitRow | undefined> {
  const scopeId = await session.known.scopes.findId(session, scope);
  if (scopeId === undefined) return undefined;
  const { rows } = await sql<TraitRow>`
    select o.id, t.format, t.rights_holder, t.authority, t.policy from object o left join object_trait t on t.object = o.id
    where o.scope = ${scopeId} and o.name = ${name} and o.kind = ${OBJECT}`.execute(session.db);
  return rows[0];
}
