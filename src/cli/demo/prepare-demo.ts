import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ConfigurationError, problemOutsideFiles } from '../../config/problem.ts';
import { yamlText } from '../../config/yaml-text.ts';

export interface PreparedDemo {
  /** Absolute, like all paths here. */
  readonly place: string;
  readonly configuration: string;
  readonly source: string;
  /** By read priority. */
  readonly replicas: readonly [near: string, far: string];
  /** The source is a copy made for this; undefined: it is the directory itself. */
  readonly copied: { readonly files: number; readonly leftOut: readonly string[] } | undefined;
}

const PLACE = '.pando-start';
/** Not worth a copy: what others made, and this place itself. */
const LEFT_OUT: readonly string[] = ['.git', 'node_modules', 'dist', 'coverage', PLACE];
/** A copy of more than this is not made unasked. */
const COPY_BYTES_MAX = 1_000_000_000;

/** Makes the place with its configuration. A directory that is named is used as it is; else the files here are copied first. */
export function prepareDemo(here: string, named: string | undefined): PreparedDemo {
  const directory = named === undefined || resolve(here, named) === here ? undefined : named;
  const place = join(here, PLACE);
  const source = directory === undefined ? join(place, 'source') : resolve(here, directory);
  if (directory !== undefined) demandDirectory(directory, source, place);
  mkdirSync(place, { recursive: true });
  const copied = directory === undefined ? copyFiles(here, source) : undefined;
  const replicas = [join(place, 'near'), join(place, 'far')] as const;
  const configuration = join(place, 'pando.yaml');
  const text = render(place, source);
  if (!existsSync(configuration) || readFileSync(configuration, 'utf8') !== text) {
    // Another source than last time: its copies and what is known of them begin anew.
    for (const made of [...replicas, join(place, 'catalog')]) rmSync(made, { recursive: true, force: true });
    writeFileSync(configuration, text);
  }
  return { place, configuration, source, replicas, copied };
}

function demandDirectory(written: string, source: string, place: string): void {
  const isDirectory = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isDirectory) throw refusal(`${JSON.stringify(written)} is not a directory`, 'name a directory to mirror');
  const holdsPlace = !relative(source, place).startsWith('..');
  if (holdsPlace)
    throw refusal(
      `${JSON.stringify(written)} holds ${PLACE}, where the replicas are to be`,
      'name another directory, or none: then a copy of the files here is mirrored',
    );
}

function refusal(message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles('directory', message, remedy)]);
}

/** The same files as last time keep their times, so that a second run has nothing to do. */
function copyFiles(here: string, source: string): { readonly files: number; readonly leftOut: readonly string[] } {
  const files = listFiles(here);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > COPY_BYTES_MAX)
    throw refusal('the files here are more than 1 GB', 'name a directory to mirror: pando demo DIR');
  rmSync(source, { recursive: true, force: true });
  for (const { path, atime, mtime } of files) {
    const copy = join(source, relative(here, path));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
    utimesSync(copy, atime, mtime);
  }
  mkdirSync(source, { recursive: true });
  return { files: files.length, leftOut: LEFT_OUT.filter((name) => name !== PLACE && existsSync(join(here, name))) };
}

interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly atime: Date;
  readonly mtime: Date;
}

function listFiles(directory: string): FoundFile[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (LEFT_OUT.includes(entry.name)) return [];
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [{ path, ...pick(statSync(path)) }] : [];
  });
}

function pick({ size, atime, mtime }: Omit<FoundFile, 'path'>): Omit<FoundFile, 'path'> {
  return { size, atime, mtime };
}

function render(place: string, source: string): string {
  return `# Made by \`pando demo\`. Reference: docs/configuration.md
catalog: sqlite:catalog/catalog.sqlite

profiles:
  demo:
    storage_provider:
      type: file
      options:
        base_path: ${yamlText(relative(place, source))}
    # Reads try the lowest number first and fall back to the others, then to the source.
    replicas:
      - replica_profile: near
        read_priority: 1
      - replica_profile: far
        read_priority: 2

  near:
    storage_provider: { type: file, options: { base_path: near } }
  far:
    storage_provider: { type: file, options: { base_path: far } }
`;
}
