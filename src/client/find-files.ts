import { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { escapeBytes, escapeKey } from '../domain/object/key.ts';

/** A file that is to be uploaded, under the name it gets in its scope. */
export interface FoundFile {
  /** As the caller wrote it, or below what he wrote. */
  readonly label: string;
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly modifiedNs: bigint;
  readonly mode: number;
  /** The same for two names of one file. */
  readonly identity: string;
}

/** Something that was named and cannot be uploaded. */
export interface UnusableFile {
  readonly label: string;
  readonly why: string;
  /** There is nothing of that name. */
  readonly isMissing?: boolean;
}

export type FileNamed = FoundFile | UnusableFile;

/** The files that are meant: each by itself under the last part of its path, and all below a directory under their paths in it. */
export async function* findFiles(paths: readonly string[], name?: string): AsyncGenerator<FileNamed> {
  for (const path of paths) {
    const found = await look(path, { label: escapeKey(path), name: name ?? basename(resolve(path)) });
    if (found !== 'directory') yield found;
    else if (name !== undefined) yield { label: path, why: 'a directory has many names: --name is for one file' };
    else yield* filesBelow(path, path, '');
  }
}

async function look(
  path: string,
  { label, name }: { readonly label: string; readonly name: string },
): Promise<FileNamed | 'directory'> {
  try {
    const facts = await stat(path, { bigint: true });
    if (facts.isDirectory()) return 'directory';
    if (!facts.isFile()) return { label, why: 'it is neither a file nor a directory' };
    return {
      label,
      path: resolve(path),
      name,
      size: Number(facts.size),
      modifiedNs: facts.mtimeNs,
      mode: Number(facts.mode & 0o777n),
      identity: `${facts.dev} ${facts.ino}`,
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { label, why: REASONS[code] ?? String(error), isMissing: code === 'ENOENT' };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  ELOOP: 'its symbolic links lead in a circle',
  ENOTDIR: 'a part of its path is not a directory',
  ENAMETOOLONG: 'its path is too long',
};

/** In the order of their bytes. Links to files are files; links to directories may lead anywhere, and are not followed. */
async function* filesBelow(directory: string, label: string, prefix: string): AsyncGenerator<FileNamed> {
  let entries: Dirent<Buffer>[];
  try {
    entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    yield {
      label: escapeKey(label),
      why: `it cannot be listed: ${error instanceof Error ? error.message : String(error)}`,
    };
    return;
  }
  for (const entry of entries.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const text = entry.name.toString('utf8');
    const shown = join(label, text);
    if (!Buffer.from(text, 'utf8').equals(entry.name)) {
      yield { label: `${escapeKey(label)}/${escapeBytes(entry.name)}`, why: 'its name is not UTF-8' };
      continue;
    }
    const path = join(directory, text);
    const name = `${prefix}${text}`;
    if (entry.isDirectory()) {
      yield* filesBelow(path, shown, `${name}/`);
      continue;
    }
    const found = await look(path, { label: escapeKey(shown), name });
    yield found === 'directory'
      ? { label: escapeKey(shown), why: 'it is a link to a directory, which is not followed' }
      : found;
  }
}
