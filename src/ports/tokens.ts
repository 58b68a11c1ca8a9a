import type { Right } from '../domain/access/right.ts';

/** Who may ask this site's server for what (docs/server.md, "Tokens"). All verbs are one transaction each. */
export interface TokenCatalog {
  /** `taken`: there is one of that name, which stays as it is. */
  addToken(token: NewToken): Promise<'added' | 'taken'>;
  /** By name. */
  listTokens(): Promise<readonly TokenRecord[]>;
  /** False: there is none of that name. */
  removeToken(name: string): Promise<boolean>;
}

export interface NewToken {
  readonly name: string;
  /** sha256 of the token in lower-case hex: the token itself is kept nowhere. */
  readonly hash: string;
  readonly rights: readonly Right[];
  /** Undefined: all. */
  readonly scopes: readonly string[] | undefined;
}

export interface TokenRecord extends NewToken {
  readonly createdMs: number;
}
