import type { TargetTree } from '../client/choose-targets.ts';
import type { Configuration, Profile, StorageSettings } from '../config/configuration.ts';
import { resolveTarget, type Target } from '../config/resolve-target.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';

/** What a sync or verify reads from: a place, a part of a profile, or one file. */
export function resolveTree(written: string, configuration: Configuration): Target & { readonly title: string } {
  const target = resolveTarget(written, configuration);
  return { ...target, title: titleOf(written, target.profile, configuration) };
}

/** Undefined where none was named: then the replicas of the source's profile are meant. */
export function resolveTargetTrees(
  written: readonly string[],
  configuration: Configuration,
): readonly TargetTree[] | undefined {
  return written.length === 0 ? undefined : written.map((one) => resolveTargetTree(one, configuration));
}

/** A place to bring copies to. A path below a profile narrows that profile's store. */
function resolveTargetTree(written: string, configuration: Configuration): TargetTree {
  const { profile, path } = resolveTarget(written, configuration);
  if (path === '') return { title: titleOf(written, profile, configuration), profile };
  if (configuration.profiles[profile.name] === profile)
    return { title: written, profile: { ...profile, replicas: [], storage: narrow(profile.storage, path) } };
  const message = `${JSON.stringify(written)} is a file: what is synced goes into a directory, a bucket or a prefix of one`;
  throw new ConfigurationError([
    problemOutsideFiles('target', message, 'name the directory it lies in, or another one'),
  ]);
}

/** A profile is called by its name, however it was written. */
function titleOf(written: string, profile: Profile, configuration: Configuration): string {
  return Object.hasOwn(configuration.profiles, profile.name) ? profile.name : written;
}

function narrow(storage: StorageSettings, path: string): StorageSettings {
  const below = path.replace(/\/+$/, '');
  if (below.split('/').some((segment) => segment === '..' || segment === '.' || segment === '')) {
    const message = `${JSON.stringify(path)} leads out of its profile`;
    throw new ConfigurationError([problemOutsideFiles('target', message, 'write a path without "." , ".." and "//"')]);
  }
  switch (storage.type) {
    case 'file':
      return { ...storage, basePath: `${storage.basePath}/${below}` };
    case 's3':
      return { ...storage, prefix: `${storage.prefix}${below}/` };
    case 'webdav':
      return { ...storage, url: `${storage.url}${below.split('/').map(encodeURIComponent).join('/')}/` };
    case 'sftp':
      return { ...storage, path: storage.path === '/' ? `/${below}` : `${storage.path}/${below}` };
    case 'memory':
      return { ...storage, name: `${storage.name}/${below}` };
  }
}
