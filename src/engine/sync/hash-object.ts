import { createHash, hash } from 'node:crypto';
import { type Body, type Storage, StorageError, type Token } from '../../ports/storage.ts';

/** Hash of what a store holds at a key, read in full; the length is checked against what the store says. */
export async function hashObject(
  storage: Storage,
  key: string,
  ifToken: Token | undefined,
): Promise<{ sha256: string; token: Token; link: string | undefined }> {
  const { head, body } = await storage.get(key, ifToken === undefined ? {} : { ifToken });
  const { sha256, size } = await hashBody(body);
  if (size !== head.size) {
    throw new StorageError('corrupt', { store: storage.name, key }, `${size} of ${head.size} bytes could be read`);
  }
  return { sha256, token: head.token, link: head.attributes.link };
}

/** `onChunk` is told of each chunk of a body that is not whole in memory. */
export async function hashBody(
  body: Body,
  onChunk?: (bytes: number) => Promise<void>,
): Promise<{ sha256: string; size: number }> {
  if (body instanceof Uint8Array) return { sha256: hash('sha256', body, 'hex'), size: body.length };
  const running = createHash('sha256');
  let size = 0;
  for await (const chunk of body) {
    running.update(chunk);
    size += chunk.length;
    await onChunk?.(chunk.length);
  }
  return { sha256: running.digest('hex'), size };
}
