import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nameNewFile } from '../compose-files.ts';
import type { ObjectRead } from '../engine/object-read.ts';
import type { Attributes } from '../ports/storage.ts';
import type { PartFiles } from './part-files.ts';
import { writeAll } from './write-all.ts';

/** Chunk of a local file: large enough for throughput, small enough to keep many at once. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Saves a read as a local file. The file appears under its name only when it is complete and verified, and is on disk by then;
 * until then it is one of `parts`, beside it. `ifAbsent`: it fails with `EEXIST` where something has the name by then.
 */
export async function saveAs(
  path: string,
  read: ObjectRead,
  { parts, ifAbsent = false }: { readonly parts: PartFiles; readonly ifAbsent?: boolean | undefined },
): Promise<void> {
  await parts.removeDead(dirname(path));
  const part = parts.nameFor(path);
  try {
    await using file = await open(part, 'wx');
    await writeBody(file, read);
    const { modifiedNs } = read.content;
    if (modifiedNs !== undefined) await file.utimes(new Date(), Number(modifiedNs / 1_000_000n) / 1000);
    await file.sync();
    if (ifAbsent) await nameNewFile(part, path);
    else await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw renamed(error, part, path);
  }
}

async function writeBody(file: FileHandle, { body, span }: ObjectRead): Promise<void> {
  let at = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    await writeAll(file, chunk, at);
    at += chunk.length;
  }
  // Nobody is told of a whole file because every step before this one says that it checks.
  const { size } = await file.stat();
  const expected = span.end - span.start;
  if (size !== expected) throw new Error(`it has ${size} B where ${expected} were to be written`);
}

/** A failure of the file system, told of the file that was asked for: nobody knows the other one. */
function renamed(error: unknown, part: string, path: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const message = error.message.replaceAll(part, path);
  return Object.assign(new Error(message, { cause: error }), { code, syscall, path });
}

/** A local file as a body. It must not change while it is read: then the read fails. */
export interface LocalFile extends AsyncDisposable {
  readonly size: number;
  readonly attributes: Attributes;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What is no file is refused, and never waited for: nobody may ever write into a pipe. */
export async function openLocalFile(path: string): Promise<LocalFile> {
  if (!(await stat(path)).isFile()) throw new TypeError(`${path}: it is no file`);
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) throw new TypeError(`${path}: it is no file`);
    return {
      size: Number(before.size),
      attributes: { modifiedNs: before.mtimeNs, mode: Number(before.mode & 0o777n) },
      body: chunksOf(path, file, before),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* chunksOf(
  path: string,
  file: FileHandle,
  before: { readonly size: bigint; readonly mtimeNs: bigint },
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  const after = await file.stat({ bigint: true });
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs)
    throw new Error(`${path}: it changed while it was being read`);
}
