import type { Catalog } from '../../ports/catalog.ts';
import type { Outgoing } from '../../ports/journal.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { HashingBody } from '../hashing-body.ts';
import type { RecentBytes } from './recent-bytes.ts';

export interface ReadBytesPorts {
  readonly catalog: Pick<Catalog, 'readCopies'>;
  /** What was written here a moment ago. */
  readonly recent: RecentBytes;
  /** The store at a place; undefined: it cannot be read from here. */
  readonly openStore: (place: string) => Promise<Storage | undefined>;
}

/** The bytes of a small version, whole and verified, from the first good copy that has them; undefined: none has. */
export async function readBytes(
  { catalog, openStore, recent }: ReadBytesPorts,
  { entry, versionId }: Outgoing,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (entry.kind !== 'version' || entry.content.kind !== 'object' || versionId === undefined) return undefined;
  const { sha256 } = entry.content;
  const known = recent.get(entry.operation, sha256);
  if (known !== undefined) return known;
  const [copies = []] = await catalog.readCopies([versionId]);
  for (const { store, place, token } of copies) {
    const storage = await openStore(store);
    if (storage === undefined || token === undefined) continue;
    try {
      const bytes = await readWhole(storage, { place, token, signal });
      const hashing = new HashingBody(bytes);
      if (hashing.size === entry.content.size && hashing.sha256 === sha256) return bytes;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }
  return undefined;
}

async function readWhole(
  storage: Storage,
  { place, token, signal }: { readonly place: string; readonly token: string; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { body } = await storage.get(place, { ifToken: token, signal });
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
