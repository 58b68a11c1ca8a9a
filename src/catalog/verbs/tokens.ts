import type { Right } from '../../domain/access/right.ts';
import type { NewToken, TokenRecord } from '../../ports/tokens.ts';
import { encodeSha256 } from '../content.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

export async function addToken(session: Session, token: NewToken): Promise<'added' | 'taken'> {
  const made = await session.db
    .insertInto('token')
    .values({
      name: token.name,
      hash: encodeSha256(token.hash),
      rights: JSON.stringify(token.rights),
      scopes: token.scopes === undefined ? null : JSON.stringify(token.scopes),
      created_ms: nowMs(session),
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .execute();
  return made.length > 0 ? 'added' : 'taken';
}

export async function listTokens(session: Session): Promise<readonly TokenRecord[]> {
  const rows = await session.db.selectFrom('token').selectAll().orderBy('name').execute();
  return rows.map(({ name, hash, rights, scopes, created_ms: createdMs }) => ({
    name,
    hash: Buffer.from(hash).toString('hex'),
    rights: JSON.parse(rights) as Right[],
    scopes: scopes === null ? undefined : (JSON.parse(scopes) as string[]),
    createdMs,
  }));
}

export async function removeToken(session: Session, name: string): Promise<boolean> {
  const gone = await session.db.deleteFrom('token').where('name', '=', name).returning('name').execute();
  return gone.length > 0;
}
