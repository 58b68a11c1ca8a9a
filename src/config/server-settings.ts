import { dirname, join } from 'node:path';
import { OWN_DIRECTORY } from './catalog-settings.ts';
import type { Configuration, Profile, ServerSettings } from './configuration.ts';
import { findProfile } from './find-profile.ts';
import { makeProfile } from './make-profile.ts';
import { ConfigurationError, problemOutsideFiles } from './problem.ts';
import type { ServerInput } from './schema.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';

/** The store that `server.storage_path` makes (docs/server.md, "Where objects lie"). */
export const OWN_STORE = 'local';

const PORT_DEFAULT = 8080;
const HOST_DEFAULT = '127.0.0.1';
/** Bodies taken at once: each holds a file and a few buffers. */
const UPLOADS_DEFAULT = 256;

/** Every setting that was not said at its default. */
export function makeServerSettings(
  said: ServerInput = {},
  { base, home }: { readonly base: string; readonly home: string },
): ServerSettings {
  const path = (text: string): string => resolvePath(text, base, home);
  return {
    host: said.host ?? HOST_DEFAULT,
    port: said.port ?? PORT_DEFAULT,
    storagePath: said.storage_path === undefined ? undefined : path(said.storage_path),
    storageBytes: said.storage_size,
    defaultStore: said.default_store,
    tls: said.tls === undefined ? undefined : { cert: path(said.tls.cert), key: path(said.tls.key) },
    uploadsMax: said.max_uploads ?? UPLOADS_DEFAULT,
  };
}

/** What a command line says of the server comes before the file. */
export interface ServerFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly storage?: string | undefined;
  readonly size?: number | undefined;
}

/** A configuration with the server's settings in it, and with the profile of its store. Fails with a `ConfigurationError`. */
export function withServer(
  configuration: Configuration,
  flags: ServerFlags,
  { directory, home }: Pick<Surroundings, 'directory' | 'home'>,
): { readonly configuration: Configuration; readonly settings: ServerSettings; readonly store: Profile } {
  const said = configuration.server ?? makeServerSettings({}, { base: directory, home });
  const settings: ServerSettings = {
    ...said,
    host: flags.host ?? said.host,
    port: flags.port ?? said.port,
    storagePath: flags.storage === undefined ? said.storagePath : resolvePath(flags.storage, directory, home),
    storageBytes: flags.size ?? said.storageBytes,
    defaultStore: flags.storage === undefined ? said.defaultStore : undefined,
  };
  if (settings.defaultStore !== undefined) {
    const store = findProfile(configuration, settings.defaultStore);
    if (store === undefined)
      throw wrong('server.default_store', `no profile is called ${settings.defaultStore}`, 'name one of profiles:');
    return { configuration, settings, store };
  }
  const isOfFile = configuration.file !== undefined && configuration.server?.storagePath === undefined;
  if (isOfFile && findProfile(configuration, OWN_STORE) !== undefined)
    throw wrong(
      `profiles.${OWN_STORE}`,
      "has the name of the server's own store",
      `write server.default_store: ${OWN_STORE} to keep objects there, or call the profile otherwise`,
    );
  const store = ownStore(settings, configuration);
  return {
    configuration: { ...configuration, profiles: { ...configuration.profiles, [OWN_STORE]: store } },
    settings,
    store,
  };
}

function ownStore(settings: ServerSettings, { catalog }: Configuration): Profile {
  const beside = catalog.kind === 'sqlite' ? join(dirname(catalog.path), OWN_DIRECTORY) : undefined;
  const basePath = settings.storagePath ?? beside;
  if (basePath === undefined)
    throw wrong(
      'server.storage_path',
      'has no value, and the catalog is on another machine',
      'name a directory for objects',
    );
  return makeOwnStore(basePath, settings.storageBytes);
}

/** The profile that stands for `storage_path`. */
export function makeOwnStore(basePath: string, bytes: number | undefined): Profile {
  const limits = bytes === undefined ? {} : { limits: { max_space: bytes } };
  return makeProfile(OWN_STORE, { type: 'file', basePath }, limits);
}

function wrong(path: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(path, `${path}: ${message}`, remedy)]);
}
