import type { Replica } from '../../domain/replica/replica.ts';
import { stateCode } from '../codes.ts';
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
