import { createHash } from 'node:crypto';

/** What was to be uploaded is not what was hashed before. */
class ChangedWhileUploaded extends Error {
  override readonly name = 'ChangedWhileUploaded';
}

/** Passes a file on, holding back its last chunk until length and hash are those that were registered. */
export async function* verifiedBody(
  chunks: AsyncIterable<Uint8Array>,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  let bytes = 0;
  for await (const chunk of chunks) {
    if (held !== undefined) yield held;
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
    if (bytes > size) break;
    // The next chunk may come in the same memory.
    held = new Uint8Array(chunk);
  }
  if (bytes !== size || hash.digest('hex') !== sha256)
    throw new ChangedWhileUploaded('it changed while it was being uploaded');
  if (held !== undefined) yield held;
}
