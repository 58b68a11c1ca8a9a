import type { IncomingHttpHeaders } from 'node:http';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { AwaitPeers, Expected } from '../engine/sites/await-peers.ts';
import { HttpError } from './http-error.ts';
import type { Exchange, Reply } from './route.ts';

export interface WrittenHere {
  readonly object: ObjectName;
  /** Operation of the version, or of the tombstone; undefined: nothing was written, and nobody is to hear of it. */
  readonly operation: string | undefined;
  /** By this request, and not before. */
  readonly isFresh: boolean;
  readonly reply: Reply;
}

/** When a client may ask again. */
const RETRY_AFTER = { 'retry-after': '2' };

/**
 * The answer to a write that is durable here, once it is known what to tell of its peers (docs/server.md, "Sync mode"): as it is where they
 * have it, 202 where nobody waits for them, and otherwise an `HttpError` with the version.
 */
export async function awaitReply(
  awaiting: Pick<AwaitPeers, 'wait'>,
  expected: Expected,
  { object, operation, isFresh, reply }: WrittenHere,
  { headers, signal }: Pick<Exchange, 'headers' | 'signal'>,
): Promise<Reply> {
  if (operation === undefined || expected.peers.length === 0) return reply;
  const isAsync = prefersAsync(headers);
  const awaited = await awaiting.wait(expected, { write: { ...object, operation }, isFresh, isAsync, signal });
  const { 'content-length': _, ...known } = reply.headers ?? {};
  switch (awaited.kind) {
    case 'held':
      return reply;
    case 'later': {
      const applied = isAsync ? { 'preference-applied': 'respond-async' } : {};
      return { status: 202, headers: { ...known, 'content-length': '0', ...applied } };
    }
    case 'pending': {
      const who = awaited.peers.join(', ');
      const message = `it is written here, and goes on to ${who}: ask again with the header Idempotency-Key: ${operation}`;
      throw new HttpError(504, 'replication-pending', message, { ...known, ...RETRY_AFTER });
    }
    case 'refused': {
      const message = `it is written here, and ${awaited.peers.join(', ')} refused it: see /admin/replication/dead-letters`;
      throw new HttpError(502, 'replication-refused', message, known);
    }
  }
}

/** RFC 7240. */
function prefersAsync({ prefer }: IncomingHttpHeaders): boolean {
  const preferences = [prefer ?? []].flat().flatMap((line) => line.split(','));
  return preferences.some((one) => /^\s*respond-async\s*(?:;|$)/i.test(one));
}
