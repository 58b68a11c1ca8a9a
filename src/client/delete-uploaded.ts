import type { Pando } from '../compose.ts';
import { deleteUploadedWith } from '../compose-files.ts';
import { findProfile } from '../config/find-profile.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { DeleteResult } from '../engine/delete-object.ts';
import { type DefaultScope, parseName } from './object-names.ts';

/** How an uploaded object is deleted (docs/uploads.md, "Deleting"). */
export interface DeleteOptions {
  /** Only if this is the current version (its operation id). */
  readonly ifVersion?: string;
  readonly signal?: AbortSignal;
}

/**
 * Deletes an object that was uploaded, with all its copies; `scope:name`. Fails with an `ObjectError` where there is none, with a
 * `ConfigurationError` where its scope is a profile's.
 */
export async function deleteUploaded(
  { pando, scope: ownScope }: { readonly pando: Pando; readonly scope: DefaultScope },
  written: string,
  options: DeleteOptions = {},
): Promise<DeleteResult> {
  const name = parseName(written, ownScope);
  if (await hasSource(pando, name)) throw ofProfile(written, name);
  return deleteUploadedWith(pando, name, options);
}

/**
 * Whether a scope has objects and no source, so that uploads brought them. What lies at the source of a scope is deleted through its
 * profile only, also while the configuration does not name it.
 */
export async function isOfUploads(pando: Pando, name: ObjectName): Promise<boolean> {
  if (await hasSource(pando, name)) return false;
  const catalog = await pando.catalog();
  const any = { prefix: '', limit: 1, stores: [], deleted: true, details: false };
  return (await catalog.scanScope({ ...any, scope: name.scope })).names.length > 0;
}

async function hasSource(pando: Pando, { scope }: ObjectName): Promise<boolean> {
  if (findProfile(pando.configuration, scope) !== undefined) return true;
  return (await (await pando.catalog()).findOtherSource(scope, NOWHERE)) !== undefined;
}

/** No store lies there. */
const NOWHERE = '';

function ofProfile(written: string, { scope }: ObjectName): ConfigurationError {
  const message = `${JSON.stringify(written)} is an object of the profile ${scope}, and no upload`;
  return new ConfigurationError([problemOutsideFiles('object', message, 'use pando rm, or a StorageClient')]);
}
