import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import type { FoundVersion } from '../../ports/journal.ts';
import { OBJECT, stateCode } from '../codes.ts';
import { encodeOperation } from '../content.ts';
import { decodeReplica, type ToldReplicaRow, toldReplica } from '../replica-row.ts';
import type { Session, SetStatement } from '../session.ts';

const find: SetStatement = {
  columns: { i: 'int', version: 'int', boot: 'text' },
  text: (rows) =>
    `select r.i, o.scope, o.name, ${toldReplica('p', 'r.boot')}
     from ${rows} join version v on v.id = r.version join object o on o.id = v.object
       join replica p on p.object = v.object and p.version = v.id
     where p.state = ${stateCode('AVAILABLE')} and p.token is not null`,
};

export async function readCopies(session: Session, versionIds: readonly number[]): Promise<readonly Replica[][]> {
  const { boot, scopes } = session.known;
  const rows = await session.all<readonly [at: number, scope: number, name: string, ...ToldReplicaRow]>(
    find,
    versionIds.map((id, at) => [at, id, boot]),
  );
  const copies: Replica[][] = versionIds.map(() => []);
  for (const [at, scope, name, ...row] of rows) {
    copies[at]?.push(await decodeReplica(session, { scope: await scopes.textOf(session, scope), name }, row));
  }
  return copies;
}

const findOfObject: SetStatement = {
  columns: { scope: 'int', name: 'text', operation: 'bytes' },
  text: (rows) =>
    `select v.id, v.size from ${rows} join object o on o.scope = r.scope and o.name = r.name
       join version v on v.id in (
         select o.current union all select s.id from version s where s.superseded = 1 and s.object = o.id)
     where v.operation = r.operation and v.kind = ${OBJECT}`,
};

export async function findVersion(
  session: Session,
  { scope, name }: ObjectName,
  operation: string,
): Promise<FoundVersion | undefined> {
  const scopeId = await session.known.scopes.findId(session, scope);
  if (scopeId === undefined) return undefined;
  const key = [scopeId, name, encodeOperation(operation)];
  const found = await session.all<[id: number, size: number]>(findOfObject, [key]);
  // A write that was asked for at two sites has made two versions: the bytes are those of both.
  const copies = await readCopies(
    session,
    found.map(([id]) => id),
  );
  const at = Math.max(
    0,
    copies.findIndex((one) => one.length > 0),
  );
  const chosen = found[at];
  return chosen && { id: chosen[0], size: chosen[1], copies: copies[at] ?? [] };
}
