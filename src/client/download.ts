import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Pando } from '../compose.ts';
import { openDownloads } from '../compose-files.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { findDownloads } from './find-downloads.ts';
import { checkScope, type DefaultScope } from './object-names.ts';
import { saveDownload } from './save-download.ts';

/** How objects are downloaded (docs/uploads.md, "Downloading"). */
export interface DownloadOptions {
  /** Directory that the files go to, made where there is none; by default this one. */
  readonly to?: string;
  /** Of names that say none; by default `user.<account>`. */
  readonly scope?: string;
  /** Files that are there with other bytes are replaced. */
  readonly overwrite?: boolean;
  /** Objects on their way at once. */
  readonly transfers?: number;
  /** Bytes that came, or were there of an earlier call. */
  readonly onBytes?: (bytes: number) => void;
  readonly onEnd?: (object: DownloadedObject) => void;
  readonly signal?: AbortSignal;
}

export interface DownloadedObject {
  /** As it was written, where it means no object. */
  readonly object: string;
  /** `present`: the file was there and right. */
  readonly state: 'downloaded' | 'present' | 'failed' | 'interrupted';
  readonly file: string | undefined;
  readonly size: number;
  readonly sha256: string | undefined;
  /** The store that gave the bytes. */
  readonly servedBy: string | undefined;
  /** Operation id of the version that was saved. */
  readonly version: string | undefined;
  /** That of the object's version where it is another one, still on its way to its first store (docs/uploads.md, "A new version on its way"). */
  readonly newer: string | undefined;
  readonly why: string | undefined;
  /** Of a failure: `not-found`, `unavailable`, `corrupt` …; `local`: of the file. */
  readonly kind: string | undefined;
}

const AT_ONCE = 8;

/** Saves objects, and members of datasets and containers, as files under their names. What becomes of each is in the result. */
export async function download(
  { pando, scope: ownScope }: { readonly pando: Pando; readonly scope: DefaultScope },
  names: readonly string[],
  options: DownloadOptions = {},
): Promise<readonly DownloadedObject[]> {
  if (names.length === 0)
    throw refuse('objects', 'no object is named', 'write objects, datasets, containers or patterns');
  const scope = options.scope === undefined ? ownScope : checkScope(options.scope);
  const directory = resolve(options.to ?? '.');
  await mkdir(directory, { recursive: true });
  const catalog = await pando.catalog();
  await using downloads = await openDownloads(pando);
  const { signal, onEnd, onBytes = () => undefined, overwrite = false, transfers = AT_ONCE } = options;
  const results: DownloadedObject[] = [];
  const owners = new Map<string, string>();
  const end = (at: number, result: DownloadedObject): void => {
    results[at] = result;
    onEnd?.(result);
  };
  const found = findDownloads(catalog, names, scope);
  let next = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      // A generator takes turns: the next name is asked for when the one before has come.
      const step = await found.next();
      if (step.done === true) return;
      const at = next++;
      const one = step.value;
      if ('why' in one) {
        end(at, failed(escapeKey(one.written), { why: one.why, kind: 'not-found' }));
        continue;
      }
      const object = escapeKey(formatObjectName(one));
      const other = owners.get(one.name);
      if (signal?.aborted === true)
        end(at, { ...failed(object, { why: 'interrupted', kind: 'aborted' }), state: 'interrupted' });
      else if (other !== undefined) end(at, failed(object, { why: `${other} has the same file`, kind: 'local' }));
      else {
        owners.set(one.name, object);
        end(at, await save(one, object));
      }
    }
  };
  const save = async (one: ObjectName, object: string): Promise<DownloadedObject> => {
    try {
      const saved = await saveDownload(downloads, { object: one, directory, overwrites: overwrite, onBytes, signal });
      return { object, ...saved, why: undefined, kind: undefined };
    } catch (error) {
      if (signal?.aborted === true)
        return { ...failed(object, { why: 'interrupted', kind: 'aborted' }), state: 'interrupted' };
      const why = error instanceof Error ? error.message : String(error);
      const isKnown =
        error instanceof Error && (error.name === 'ObjectError' || error.name === 'SaveError') && 'kind' in error;
      return failed(object, { why, kind: isKnown ? String(error.kind) : 'local' });
    }
  };
  await Promise.all(Array.from({ length: transfers }, work));
  return results;
}

function failed(object: string, { why, kind }: { readonly why: string; readonly kind: string }): DownloadedObject {
  const nothing = { file: undefined, sha256: undefined, servedBy: undefined, version: undefined, newer: undefined };
  return { ...nothing, object, state: 'failed', size: 0, why, kind };
}

function refuse(what: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(what, message, remedy)]);
}
