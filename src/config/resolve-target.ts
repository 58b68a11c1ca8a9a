import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNearestWord } from '../domain/nearest-word.ts';
import { isReserved, RESERVED_DIRECTORY } from '../domain/object/key.ts';
import { findScopeProblem } from '../domain/object/scope.ts';
import type { Configuration, Profile } from './configuration.ts';
import { findProfile } from './find-profile.ts';
import { FOREIGN_ADDRESS, isForeignAddress, remedyOfForeignAddress } from './foreign-address.ts';
import { makeImplicitProfile, profileOfPlace } from './implicit-profile.ts';
import { storePlace } from './place.ts';
import { ConfigurationError, problemOutsideFiles } from './problem.ts';
import { parseS3Location } from './s3-location.ts';
import { findEndpointProblems, makeS3Settings } from './storage-settings.ts';
import { suggestProfile } from './suggestion.ts';
import { currentSurroundings, existsHere, isAtServer, resolvePath } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

/** What a user's argument names: a profile, and the path below its base path ('' is the whole of it). */
export interface Target {
  readonly profile: Profile;
  readonly path: string;
}

export interface TargetOptions {
  /**
   * What a path or URL that is no profile stands for. `tree` (default): the place itself, as in `sync SRC DST`; its path is ''
   * unless it is an existing file. `object`: one object in the place around it, as in `cat`, unless it ends with '/'.
   */
  readonly as?: 'tree' | 'object';
  readonly surroundings?: Surroundings;
}

/**
 * Reads an argument: `pando://profile/path` (or `msc://…`), `profile:path`, `file:///…`, `s3://bucket/…`, a local path, or the bare
 * name of a profile with or without a path. A bare name that is a local path too is refused, because a guess could sync or
 * delete the wrong one. Throws a `ConfigurationError` that says how to write what is meant.
 */
export function resolveTarget(argument: string, configuration: Configuration, options: TargetOptions = {}): Target {
  const target = resolveWritten(argument, configuration, options);
  const surroundings = options.surroundings ?? currentSurroundings();
  if (isAtServer(surroundings) && !Object.hasOwn(configuration.profiles, target.profile.name))
    throw refusePlace(argument);
  if (isReserved(target.path) || isOwnDirectory(target, configuration)) throw refuseReserved(argument);
  return target;
}

/** Whether it exists is nobody's to know who is elsewhere, either. */
function refusePlace(argument: string): ConfigurationError {
  return refuse(argument, 'is a place of the machine the server runs on', 'name a profile of its configuration');
}

/** As a path that is no profile's: whose store's it is cannot be known. */
function isOwnDirectory({ profile }: Target, { profiles }: Configuration): boolean {
  if (Object.hasOwn(profiles, profile.name)) return false;
  return storePlace(profile.storage).split('/').includes(RESERVED_DIRECTORY);
}

/** Nothing in Pando's own directory is anybody's to name, though adapters take keys in some of it. */
export function refuseReserved(argument: string): ConfigurationError {
  return refuse(argument, `leads into ${RESERVED_DIRECTORY}, which is Pando's own`, 'name what lies beside it');
}

function resolveWritten(argument: string, configuration: Configuration, options: TargetOptions): Target {
  const surroundings = options.surroundings ?? currentSurroundings();
  const as = options.as ?? 'tree';
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(argument)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return resolvePlain(argument, configuration, surroundings, as);
    case 'pando':
    case 'msc':
      return resolveProfileUrl(argument, configuration);
    case 'file':
      if (isAtServer(surroundings)) throw refusePlace(argument);
      return localTarget(pathOfFileUrl(argument), configuration, as);
    case 's3':
      return s3Target(argument, configuration, surroundings, as);
    default:
      throw refuse(
        argument,
        `begins with ${scheme}://, which Pando does not know`,
        'use pando://, file:// or s3://, a path, or a profile',
      );
  }
}

function resolveProfileUrl(argument: string, configuration: Configuration): Target {
  const rest = argument.slice(argument.indexOf('://') + 3);
  const slash = rest.indexOf('/');
  const name = slash < 0 ? rest : rest.slice(0, slash);
  const profile = findProfile(configuration, name);
  if (profile === undefined) throw unknownProfile(argument, name, configuration);
  return { profile, path: slash < 0 ? '' : rest.slice(slash + 1) };
}

function resolvePlain(
  argument: string,
  configuration: Configuration,
  surroundings: Surroundings,
  as: 'tree' | 'object',
): Target {
  if (argument === '') throw refuse(argument, 'is empty', 'name a profile, a path or a URL');
  if (argument.includes('\0')) throw refuse(argument.replaceAll('\0', '\\0'), 'has a NUL character', 'remove it');
  const local = resolvePath(argument, surroundings.directory, surroundings.home);
  const takePath = (): Target => {
    if (isAtServer(surroundings)) throw refusePlace(argument);
    return localTarget(trailing(local, argument), configuration, as);
  };
  if (/^(?:[/~]|\.\.?(?:\/|$))/.test(argument)) return takePath();

  const [, name = '', separator = '', path = ''] = /^([^:/]*)([:/]?)(.*)$/s.exec(argument) ?? [];
  const profile = findProfile(configuration, name);
  if (separator === ':') {
    if (profile !== undefined) return { profile, path: path.replace(/^\//, '') };
    if (existsHere(local, surroundings)) return takePath();
    const isOfMachine = /^[/:]/.test(path) && findNearestWord(name, Object.keys(configuration.profiles)) === undefined;
    if (!isAtServer(surroundings) && (isForeignAddress(argument) || isOfMachine))
      throw refuse(argument, FOREIGN_ADDRESS, remedyOfForeignAddress(argument));
    if (findScopeProblem(name) !== undefined) return takePath();
    throw unknownProfile(argument, name, configuration);
  }
  const isLocal = existsHere(resolvePath(name, surroundings.directory, surroundings.home), surroundings);
  if (profile !== undefined && isLocal) {
    const remedy = `write pando://${name}/${path} for the profile, or ./${argument} for the path`;
    throw refuse(argument, `is ambiguous: ${name} is a profile, and a path in this directory`, remedy);
  }
  if (profile !== undefined) return { profile, path };
  const near = isLocal ? undefined : findNearestWord(name, Object.keys(configuration.profiles));
  if (near !== undefined) {
    const remedy = `did you mean ${near}? For a new path, write ./${argument}`;
    throw refuse(argument, 'is neither a profile nor a path that exists', remedy);
  }
  return takePath();
}

/** `resolve` drops the slash that says "a directory". */
function trailing(path: string, written: string): string {
  return written.endsWith('/') && path !== '/' ? `${path}/` : path;
}

function localTarget(path: string, configuration: Configuration, as: 'tree' | 'object'): Target {
  const isObject = !path.endsWith('/') && (as === 'object' ? kindOf(path) !== 'directory' : kindOf(path) === 'file');
  const basePath = isObject ? dirname(path) : path.replace(/(?<=.)\/+$/, '');
  const storage = { type: 'file', basePath } as const;
  // One file as a tree is no part of a profile: a target in its place would be taken for a directory of that name.
  const profile = isObject && as === 'tree' ? makeImplicitProfile(storage) : profileOfPlace(storage, configuration);
  return { profile, path: isObject ? basename(path) : '' };
}

/** What cannot be looked at is neither; opening the store will say why. */
function kindOf(path: string): 'file' | 'directory' | undefined {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return 'directory';
    return found.isFile() ? 'file' : undefined;
  } catch {
    return undefined;
  }
}

function pathOfFileUrl(argument: string): string {
  try {
    return fileURLToPath(argument);
  } catch (cause) {
    throw refuse(argument, 'is not the URL of a local file', 'write file:///absolute/path, or just the path', cause);
  }
}

function s3Target(
  argument: string,
  configuration: Configuration,
  surroundings: Surroundings,
  as: 'tree' | 'object',
): Target {
  const slash = argument.lastIndexOf('/');
  const isObject = as === 'object' && slash > 's3://'.length && !argument.endsWith('/');
  const parsed = parseS3Location(isObject ? argument.slice(0, slash) : argument);
  if ('problem' in parsed) {
    // The URL is not quoted: what is wrong with it may be a key in it.
    throw refuse('s3://…', `is not a place in S3: ${parsed.problem}`, 'write s3://bucket or s3://bucket/prefix');
  }
  const storage = makeS3Settings(parsed.value, { kind: 'chain', profile: undefined }, surroundings);
  const problems = findEndpointProblems(new Map([['', { storage }]]), surroundings);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { profile: profileOfPlace(storage, configuration), path: isObject ? argument.slice(slash + 1) : '' };
}

function unknownProfile(argument: string, name: string, configuration: Configuration): ConfigurationError {
  const names = Object.keys(configuration.profiles);
  const uploaded = findNearestWord(name, names) === undefined ? `; ${elsewhere()}` : '';
  const remedy = `${suggestProfile(name, names)}${names.length === 0 ? '' : uploaded}`;
  return refuse(argument, `names the profile ${JSON.stringify(name)}, which the configuration does not have`, remedy);
}

function elsewhere(): string {
  return isAtServer(currentSurroundings())
    ? "of the server's own scopes cat, put, rm, ls and stat know, object ls lists them"
    : 'what was uploaded is had with pando download, and what a server keeps with --server URL';
}

function refuse(argument: string, message: string, remedy: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(argument, `${JSON.stringify(argument)} ${message}`, remedy)], {
    cause,
  });
}
