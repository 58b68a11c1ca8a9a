import type { TokenRecord } from '../ports/tokens.ts';
import { isOfPeer } from '../domain/access/right.ts';
import { isLoopback } from './is-loopback.ts';

/** Why a server is not to listen so (docs/server.md, "Beyond this machine"); undefined: it may. */
export function whyUnsafe(given: {
  readonly host: string;
  readonly hasTls: boolean;
  readonly tokens: readonly TokenRecord[];
  /** Somebody who knows said so. */
  readonly isInsecure: boolean;
}): string | undefined {
  const { host, hasTls, tokens, isInsecure } = given;
  if (isInsecure || isLoopback(host)) return undefined;
  const missing = [
    ...(tokens.every(isOfPeer) ? ['tokens (pando token create)'] : []),
    ...(hasTls ? [] : ['TLS (server.tls: {cert, key})']),
  ];
  if (missing.length === 0) return undefined;
  return `${host} can be reached from other machines, and that needs ${missing.join(' and ')}; --insecure does without`;
}
