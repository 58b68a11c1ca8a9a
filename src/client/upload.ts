import type { Pando } from '../compose.ts';
import { uploadWith } from '../compose-files.ts';
import { namesOfPlaces, sameAs } from '../config/names-of-places.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { escapeKey } from '../domain/object/key.ts';
import { findObjectNameProblems, formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { describeOwner } from '../domain/transfer/claim-owner.ts';
import type { FileToUpload, UploadedFile, UploadStep } from '../engine/uploads/upload-types.ts';
import type { UploadRecord } from '../ports/uploads.ts';
import { contentTypeOf } from './content-type.ts';
import { type FoundFile, findFiles, type UnusableFile } from './find-files.ts';
import { openLocalFile } from './local-file.ts';
import { checkScope, type DefaultScope, parseName } from './object-names.ts';

/** How files are uploaded (docs/uploads.md). */
export interface UploadOptions {
  /** Of the objects and of a dataset that says none; by default `user.<account>`. */
  readonly scope?: string;
  /** The dataset they become members of, `scope:name` or `name`; made where there is none. */
  readonly dataset?: string;
  /** Which stores are asked; one of them gets all files. By default any. */
  readonly store?: string;
  /** What the objects are, where their content type does not say it. */
  readonly format?: string;
  /** Of one file: what it is called in its scope. */
  readonly name?: string;
  /** Other bytes under an existing name make a new version. */
  readonly overwrite?: boolean;
  /** Uploads that were begun and not ended are gone on with: those of the files that are named, or, where none is, all of this account on this machine. */
  readonly resume?: boolean;
  /** Milliseconds until the rule that keeps them ends; by default it stays. */
  readonly lifetimeMs?: number;
  /** Files on their way at once. */
  readonly transfers?: number;
  readonly onStep?: (step: UploadStep) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface Uploaded {
  /** Undefined: nothing came so far that a store was chosen. */
  readonly store: string | undefined;
  readonly dataset: ObjectName | undefined;
  /** In the order in which they were named. */
  readonly files: readonly UploadedFile[];
}

export interface Uploader {
  readonly pando: Pando;
  readonly account: string;
  readonly scope: DefaultScope;
}

const AT_ONCE = 8;

/** Uploads files and directories. Fails with `UploadError` or `ConfigurationError` where nothing can be uploaded at all. */
export async function upload(
  given: Uploader,
  paths: readonly string[],
  options: UploadOptions = {},
): Promise<Uploaded> {
  if (paths.length === 0 && options.resume === true) return resumeAll(given, options);
  if (paths.length === 0) throw refuse('files', 'no file is named', 'write files or directories, or --resume');
  if (options.name !== undefined && paths.length > 1)
    throw refuse('name', '--name is for one file', 'upload them one by one, or under their own names');
  const scope = options.scope === undefined ? given.scope : checkScope(options.scope);
  const dataset = options.dataset === undefined ? undefined : parseName(options.dataset, scope);
  if (scope === undefined) throw refuse('scope', 'there is no default scope', 'say one: --scope SCOPE');
  refuseProfile(given.pando, scope);
  const gathered = await gather(given.pando, paths, { scope, format: options.format, name: options.name });
  return uploadGathered(given, gathered, { ...options, dataset });
}

interface Gathered {
  readonly files: readonly FileToUpload[];
  readonly refused: readonly UploadedFile[];
}

async function uploadGathered(
  { pando, account }: Uploader,
  { files, refused }: Gathered,
  options: Omit<UploadOptions, 'dataset'> & { readonly dataset: ObjectName | undefined },
): Promise<Uploaded> {
  const { dataset, store = '*', overwrite = false, lifetimeMs, transfers = AT_ONCE, onStep, signal } = options;
  for (const file of refused) await onStep?.({ kind: 'ended', file });
  if (files.length === 0) return { store: undefined, dataset, files: refused };
  refuseOtherName(pando, store);
  const result = await uploadWith(pando, {
    files,
    dataset,
    expression: store,
    account,
    overwrites: overwrite,
    lifetimeMs,
    atOnce: transfers,
    owner: describeOwner(pando.processes.self),
    signal: signal ?? new AbortController().signal,
    tell: onStep,
  });
  return { ...result, files: [...refused, ...result.files] };
}

function refuseOtherName({ configuration }: Pando, store: string): void {
  const profile = configuration.profiles[store];
  const first = profile && sameAs(profile, namesOfPlaces(configuration));
  if (first !== undefined) throw refuse('store', `${store} is the same place as ${first}`, `say --store ${first}`);
}

async function gather(
  pando: Pando,
  paths: readonly string[],
  {
    scope,
    format,
    name,
  }: { readonly scope: string; readonly format: string | undefined; readonly name: string | undefined },
): Promise<Gathered> {
  const files: FileToUpload[] = [];
  const refused: UploadedFile[] = [];
  const byName = new Map<string, FoundFile>();
  for await (const found of findFiles(paths, name)) {
    if ('why' in found) {
      refused.push(unusable(scope, found));
      continue;
    }
    const [problem] = findObjectNameProblems({ scope, name: found.name });
    const other = byName.get(found.name);
    if (problem !== undefined) refused.push(unusable(scope, { label: found.label, why: problem.message }));
    else if (other !== undefined) {
      const why = other.identity === found.identity ? 'it is named twice' : `${other.label} has the same name`;
      refused.push(unusable(scope, { label: found.label, why }));
    } else {
      byName.set(found.name, found);
      files.push(fileOf(pando, { scope, name: found.name }, found, format));
    }
  }
  return { files, refused };
}

function fileOf(pando: Pando, object: ObjectName, found: FoundFile, format: string | undefined): FileToUpload {
  const { label, path, size, modifiedNs, mode } = found;
  return {
    ...object,
    label,
    origin: { host: pando.processes.self.host, path },
    size,
    contentType: contentTypeOf(object.name) ?? contentTypeOf(path),
    format,
    modifiedNs,
    mode,
    open: () => readFile(path),
  };
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  await using file = await openLocalFile(path);
  yield* file.body;
}

function unusable(scope: string, { label, why, isMissing = false }: UnusableFile): UploadedFile {
  const nothing = { size: 0, sha256: undefined, url: undefined, protocol: undefined, failed: [] };
  return { scope, name: label, label, state: 'failed', ...nothing, why, isRefused: true, isMissing };
}

/** What was begun by this account on this machine, by dataset. */
async function resumeAll(given: Uploader, options: UploadOptions): Promise<Uploaded> {
  const { pando, account } = given;
  const begun: UploadRecord[] = [];
  const { catalog } = await pando.uploadPorts();
  for (let after: number | undefined; ; ) {
    const page = await catalog.listUploads({ account, limit: PAGE, ...(after === undefined ? {} : { after }) });
    begun.push(...page.filter(({ origin }) => origin.host === pando.processes.self.host));
    after = page.at(-1)?.request;
    if (page.length < PAGE || after === undefined) break;
  }
  const files: UploadedFile[] = [];
  let store: string | undefined;
  const groups = Map.groupBy(
    begun,
    (one) => `${one.store} ${one.dataset === undefined ? '' : formatObjectName(one.dataset)}`,
  );
  for (const group of groups.values()) {
    const dataset = group[0]?.dataset;
    const result = await uploadGathered(given, await gatherBegun(pando, group), { ...options, dataset });
    files.push(...result.files);
    store ??= result.store;
  }
  return { store, dataset: undefined, files };
}

const PAGE = 1_000;

async function gatherBegun(pando: Pando, begun: readonly UploadRecord[]): Promise<Gathered> {
  const files: FileToUpload[] = [];
  const refused: UploadedFile[] = [];
  for (const { scope, name, origin } of begun) {
    for await (const found of findFiles([origin.path])) {
      if ('why' in found) refused.push({ ...unusable(scope, found), name });
      else files.push(fileOf(pando, { scope, name }, found, undefined));
    }
  }
  return { files, refused };
}

/** The objects of a profile lie at its own store, under their own names. */
function refuseProfile({ configuration }: Pando, scope: string): void {
  if (configuration.profiles[scope] === undefined) return;
  const message = `the scope ${escapeKey(scope)} is a profile's: its objects are what lies at its source`;
  throw refuse('scope', message, `pando put FILE ${scope}:NAME, or another --scope`);
}

function refuse(what: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(what, message, remedy)]);
}
