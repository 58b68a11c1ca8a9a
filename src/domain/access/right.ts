/** What a token may be for (docs/server.md, "Tokens"). Each is for itself: who may write need not be allowed to read. */
export const RIGHTS = ['read', 'write', 'admin', 'peer'] as const;

export type Right = (typeof RIGHTS)[number];

export function isRight(text: string): text is Right {
  return (RIGHTS as readonly string[]).includes(text);
}

/** Of a token: it is for a site, and not for clients. */
export function isOfPeer({ rights }: { readonly rights: readonly Right[] }): boolean {
  return rights.every((right) => right === 'peer');
}
