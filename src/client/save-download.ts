import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { nameNewFile } from '../compose-files.ts';
import type { Downloads, LocatedObject } from '../engine/downloads/open-download.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { writeAll } from './write-all.ts';

export interface SaveDownload {
  readonly object: ObjectName;
  /** Where to; exists. */
  readonly directory: string;
  /** A file of other bytes that is there is replaced. */
  readonly overwrites: boolean;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

export interface SavedDownload {
  readonly state: 'downloaded' | 'present';
  readonly file: string;
  readonly size: number;
  readonly sha256: string | undefined;
  /** The store that gave the bytes, or the first of them. */
  readonly servedBy: string | undefined;
  /** Operation id of the version that was saved. */
  readonly version: string;
  /** That of the object's version where it is another one, of which no store has ever had the bytes. */
  readonly newer: string | undefined;
}

/** `local`: the file is not written, for a reason that has nothing to do with stores. `corrupt`: what came is not the object. */
class SaveError extends Error {
  override readonly name = 'SaveError';
  readonly kind: 'local' | 'corrupt';

  constructor(kind: SaveError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Read and write at once. */
const CHUNK_BYTES = 256 * 1024;
/** A copy that turned out wrong is noted; the next go ranks those that are left. */
const GOES_MAX = 3;

/**
 * Saves an object as a file below a directory. Until it is complete and verified it is `FILE.<hash>.part`, which a later call goes on
 * with. What is there and right is left as it is.
 */
export async function saveDownload(downloads: Downloads, args: SaveDownload): Promise<SavedDownload> {
  const { object, directory, overwrites } = args;
  const file = join(directory, ...object.name.split('/'));
  for (let go = 1; ; go++) {
    const located = await downloads.locate(object);
    const { size, sha256 } = located.content;
    const saved = { file, size, version: located.row.current.operation, newer: located.newer };
    const there = await lookAt(file);
    if (there !== undefined) {
      if (there.isFile && there.size === size && sha256 !== undefined && (await hashFile(file)) === sha256)
        return { ...saved, state: 'present', sha256, servedBy: undefined };
      if (!there.isFile) throw new SaveError('local', `${file} is there, and no file`);
      if (!overwrites) throw new SaveError('local', `${file} is there with other bytes: --overwrite replaces it`);
    }
    await makeParents(directory, dirname(file));
    const part = `${file}.${(sha256 ?? located.row.current.operation).slice(0, 12)}.part`;
    const outcome = await fill(downloads, { ...args, located, part });
    if (outcome.kind === 'again') {
      if (go === GOES_MAX) throw outcome.why;
      continue;
    }
    if (overwrites) await rename(part, file);
    else if (!(await appears(part, file))) {
      // Somebody made one meanwhile, who keeps it: that one is looked at as any that is there.
      await rm(part, { force: true });
      if (go === GOES_MAX) throw new SaveError('local', `${file} comes into being and goes again and again`);
      continue;
    }
    return { ...saved, state: 'downloaded', sha256: outcome.sha256, servedBy: outcome.servedBy };
  }
}

type Filled =
  | { readonly kind: 'filled'; readonly sha256: string; readonly servedBy: string | undefined }
  | { readonly kind: 'again'; readonly why: Error };

async function fill(
  downloads: Downloads,
  { located, part, onBytes, signal, object }: SaveDownload & { readonly located: LocatedObject; readonly part: string },
): Promise<Filled> {
  const { size, sha256, modifiedNs } = located.content;
  await using handle = await openPart(part);
  const hash = createHash('sha256');
  let at = await hashInto(handle, hash, size);
  onBytes(at);
  const isResumed = at > 0;
  let servedBy: string | undefined;
  try {
    if (at < size || size === 0) {
      using read = await downloads.open(located, { from: at, signal });
      if (read === undefined) return again(object, 'it was overwritten while it was being downloaded');
      servedBy = read.servedBy;
      const chunks = read.body instanceof Uint8Array ? [read.body] : read.body;
      for await (const chunk of chunks) {
        await writeAll(handle, chunk, at);
        hash.update(chunk);
        at += chunk.length;
        onBytes(chunk.length);
      }
    }
  } catch (error) {
    // Bytes that were given before they turned out wrong are not to be gone on with.
    if (!(error instanceof Error) || !('kind' in error) || error.kind !== 'corrupt') throw error;
    await rm(part, { force: true });
    return { kind: 'again', why: error };
  }
  const digest = hash.digest('hex');
  if (at !== size || (sha256 !== undefined && digest !== sha256)) {
    await rm(part, { force: true });
    const what = isResumed ? 'what was there of it, and what came,' : 'what came';
    return again(object, `${what} is not the object: its sha256 is ${digest}`);
  }
  await handle.truncate(size);
  if (modifiedNs !== undefined) await handle.utimes(new Date(), Number(modifiedNs / 1_000_000n) / 1000);
  await handle.sync();
  return { kind: 'filled', sha256: digest, servedBy };
}

function again(object: ObjectName, why: string): Filled {
  return { kind: 'again', why: new SaveError('corrupt', `${formatObjectName(object)}: ${why}`) };
}

async function openPart(part: string): Promise<FileHandle> {
  try {
    return await open(part, 'r+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return open(part, 'wx+');
  }
}

/** Takes what is there already into the hash; returns how much that is. */
async function hashInto(handle: FileHandle, hash: Hash, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_BYTES, size - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at;
}

async function lookAt(file: string): Promise<{ readonly isFile: boolean; readonly size: number } | undefined> {
  try {
    const facts = await stat(file);
    return { isFile: facts.isFile(), size: facts.size };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function hashFile(file: string): Promise<string> {
  await using handle = await open(file, 'r');
  const hash = createHash('sha256');
  for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES }))
    hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** A directory that leads out of the one that was named, by a link, is not written into (I10). */
async function makeParents(directory: string, parent: string): Promise<void> {
  const root = await realpath(directory);
  let known = parent;
  while ((await lookAt(known)) === undefined) known = dirname(known);
  const within = relative(root, await realpath(known));
  if (within === '..' || within.startsWith(`..${sep}`))
    throw new SaveError('local', `${parent} leads out of ${directory}, by a link`);
  await mkdir(parent, { recursive: true });
}

/** False: something has the name by now. */
async function appears(part: string, file: string): Promise<boolean> {
  try {
    await nameNewFile(part, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
