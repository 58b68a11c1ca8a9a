import type { Pando } from '../compose.ts';
import type { NewToken, TokenRecord } from '../ports/tokens.ts';

/** Makes a token for clients of the site's server (docs/server.md, "Tokens"): 256 bits, told once. Undefined: the name is taken. */
export async function addToken(pando: Pando, token: Omit<NewToken, 'hash'>): Promise<string | undefined> {
  const { createHash, randomBytes } = await import('node:crypto');
  const secret = `pando_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(secret).digest('hex');
  const added = await (await pando.catalog()).addToken({ ...token, hash });
  return added === 'added' ? secret : undefined;
}

/** By name; without what would tell anything of the tokens themselves. */
export async function listTokens(pando: Pando): Promise<readonly Omit<TokenRecord, 'hash'>[]> {
  const tokens = await (await pando.catalog()).listTokens();
  return tokens.map(({ name, rights, scopes, createdMs }) => ({ name, rights, scopes, createdMs }));
}

/** False: there is none of that name. */
export async function removeToken(pando: Pando, name: string): Promise<boolean> {
  return (await pando.catalog()).removeToken(name);
}
