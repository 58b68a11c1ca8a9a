import { Pando } from '../compose.ts';
import { loadConfiguration } from '../config/load.ts';
import { findActor } from './actor.ts';
import { findDefaultScope } from './default-scope.ts';
import { checkScope } from './object-names.ts';
import type { DeleteResult } from '../engine/delete-object.ts';
import { deleteUploaded, type DeleteOptions } from './delete-uploaded.ts';
import { download, type DownloadedObject, type DownloadOptions } from './download.ts';
import { upload, type Uploaded, type UploadOptions } from './upload.ts';

export interface OpenClient {
  /** The configuration file; by default the one that is found (docs/configuration.md). */
  readonly path?: string;
  /** Of names that say none; by default `user.<account>`. */
  readonly scope?: string;
  /** Who asks; by default the user of the operating system. To speak for another is for administrators. */
  readonly account?: string;
}

/** Files to stores and back (docs/uploads.md). Closing it closes the catalog. */
export interface Client extends AsyncDisposable {
  /** Files and directories become objects. Fails with `UploadError` or `ConfigurationError` where nothing can be uploaded at all. */
  upload(paths: readonly string[], options?: UploadOptions): Promise<Uploaded>;
  /** Objects, datasets, containers and patterns become files. */
  download(names: readonly string[], options?: DownloadOptions): Promise<readonly DownloadedObject[]>;
  /**
   * An object that was uploaded goes, with all its copies. Fails with `ObjectError` where there is none, with `ConfigurationError` where its
   * scope is a profile's.
   */
  delete(name: string, options?: DeleteOptions): Promise<DeleteResult>;
}

/** Throws a `ConfigurationError` with everything that is wrong with the configuration. */
export async function openClient({ path, scope, account }: OpenClient = {}): Promise<Client> {
  const ownScope = scope === undefined ? findDefaultScope() : checkScope(scope);
  const pando = new Pando(loadConfiguration({ config: path }));
  const given = { pando, scope: ownScope, account: findActor(pando, account).account };
  return {
    upload: (paths, options) => upload(given, paths, options),
    download: (names, options) => download(given, names, options),
    delete: (name, options) => deleteUploaded(given, name, options),
    [Symbol.asyncDispose]: () => pando[Symbol.asyncDispose](),
  };
}
