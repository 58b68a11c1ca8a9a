import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveTarget } from '../../src/config/resolve-target.ts';
import type { TargetOptions } from '../../src/config/resolve-target.ts';
import { findScopeProblem } from '../../src/domain/object/scope.ts';
import { configure, errorOf, fileProfiles, surroundingsOf, temporaryDirectory } from './configure.ts';

const here = temporaryDirectory();
mkdirSync(join(here, 'photos'));
mkdirSync(join(here, 'both'));
mkdirSync(join(here, 'me@home:photos'));
writeFileSync(join(here, 'photos', 'a.jpg'), 'x');
writeFileSync(join(here, 'odd:name'), 'x');
symlinkSync('photos', join(here, 'pictures'));

const configuration = configure(fileProfiles('/profiles', { 'my-dataset': [], both: [] }));
const surroundings = surroundingsOf({}, here);
const resolve = (argument: string, as: TargetOptions['as'] = 'tree') =>
  resolveTarget(argument, configuration, { as, surroundings });
const remedyOf = (argument: string) => errorOf(() => resolve(argument)).problems[0]?.remedy;

describe('an argument that names a profile', () => {
  it.each([
    ['pando://my-dataset', ''],
    ['pando://my-dataset/', ''],
    ['pando://my-dataset/files/a b#?%41', 'files/a b#?%41'],
    ['msc://my-dataset/files/a', 'files/a'],
    ['my-dataset', ''],
    ['my-dataset:', ''],
    ['my-dataset:files/a', 'files/a'],
    ['my-dataset:/files/a', 'files/a'],
    ['my-dataset:a:b', 'a:b'],
    ['my-dataset/files/a', 'files/a'],
  ])('is %s, with the path %j', (argument, path) => {
    expect(resolve(argument)).toEqual({ profile: configuration.profiles['my-dataset'], path });
  });

  it('wins over a local path only where it is written as a profile', () => {
    for (const argument of ['both:x', 'pando://both/x'])
      expect(resolve(argument)).toMatchObject({ profile: { name: 'both' }, path: 'x' });
    expect(resolve('./both').profile.storage).toEqual({ type: 'file', basePath: join(here, 'both') });
    for (const argument of ['both', 'both/x']) {
      expect(errorOf(() => resolve(argument)).message).toContain(
        'is ambiguous: both is a profile, and a path in this directory',
      );
    }
    expect(remedyOf('both/x')).toBe('write pando://both/x for the profile, or ./both/x for the path');
  });

  it('that does not exist is refused with a suggestion', () => {
    expect(remedyOf('pando://my-datset/a')).toBe('did you mean my-dataset?');
    expect(remedyOf('my-datset:a')).toBe('did you mean my-dataset?');
    expect(remedyOf('my-datset')).toBe('did you mean my-dataset? For a new path, write ./my-datset');
    expect(remedyOf('pando://toString')).toBe(
      'use one of my-dataset, both; what was uploaded is had with pando download, and what a server keeps with --server URL',
    );
    expect(errorOf(() => resolveTarget('pando://x/y', configure(''), { surroundings })).problems[0]?.remedy).toContain(
      'pando init',
    );
  });
});

describe('an argument that names a local path', () => {
  it.each([
    ['photos', 'photos'],
    ['photos/', 'photos'],
    ['./photos', 'photos'],
    ['../x', '../x'],
    ['.', ''],
    ['elsewhere', 'elsewhere'],
    ['elsewhere/new/', 'elsewhere/new'],
  ])('is %s: the tree at that place', (argument, below) => {
    expect(resolve(argument)).toMatchObject({
      profile: { storage: { type: 'file', basePath: join(here, below) } },
      path: '',
    });
  });

  it.each(['/a/.pando/x', './.pando', 's3://bucket/.pando/lease'])(
    'that leads into what is Pando’s own is refused: %s',
    (argument) => expect(errorOf(() => resolve(argument, 'object')).message).toContain('.pando'),
  );

  it.each([
    'user@host:/backup',
    'user@host:backup',
    'user@host.example.org:',
    'user@host::module/x',
    'user@[::1]:/backup',
    'host:/backup',
    'host.example.org:/backup',
    'host::module',
  ])('that another program would take for a place at another machine is refused: %s', (argument) => {
    for (const as of ['tree', 'object'] as const)
      expect(errorOf(() => resolve(argument, as)).message).toContain('is an address as rsync and scp write it');
    expect(remedyOf(argument)).toBe(
      `for SFTP make a profile of type sftp (docs/stores.md); for a file or directory of that name write ./${argument}`,
    );
    expect(resolve(`./${argument}`).profile.storage).toEqual({
      type: 'file',
      basePath: join(here, argument).replace(/\/$/, ''),
    });
  });

  it('that another program would take for a place at another machine is a name where it exists', () => {
    expect(resolve('me@home:photos').profile.storage).toEqual({ type: 'file', basePath: join(here, 'me@home:photos') });
    expect(remedyOf('my-datset:/a')).toBe('did you mean my-dataset?');
  });

  it('may be absolute, start at home or be a file URL', () => {
    const of = (argument: string) => resolve(argument).profile.storage;
    expect(of('/')).toEqual({ type: 'file', basePath: '/' });
    expect(of('/a/b/')).toEqual({ type: 'file', basePath: '/a/b' });
    expect(of('~/a')).toEqual({ type: 'file', basePath: '/home/someone/a' });
    expect(of('file:///a%20b/c')).toEqual({ type: 'file', basePath: '/a b/c' });
    expect(() => resolve('file://a/b')).toThrow(/is not the URL of a local file/);
  });

  it('that is one file, or is asked for as an object, is that name in the directory around it', () => {
    const photo = { profile: { storage: { type: 'file', basePath: join(here, 'photos') } }, path: 'a.jpg' };
    expect(resolve('photos/a.jpg')).toMatchObject(photo);
    expect(resolve('photos/a.jpg', 'object')).toMatchObject(photo);
    expect(resolve('photos/new.jpg', 'object')).toMatchObject({ ...photo, path: 'new.jpg' });
    expect(resolve('photos', 'object')).toMatchObject({ path: '' });
    expect(resolve('odd:name', 'object')).toMatchObject({ profile: { storage: { basePath: here } }, path: 'odd:name' });
  });

  it('is the profile whose place it is, if there is one', () => {
    expect(resolve('/profiles/my-dataset')).toEqual({ profile: configuration.profiles['my-dataset'], path: '' });
    expect(resolve('/profiles/my-dataset/a', 'object')).toEqual({
      profile: configuration.profiles['my-dataset'],
      path: 'a',
    });
    expect(resolve('/profiles/my-dataset/files/').profile.name).toMatch(/^files-/);
  });

  it('has a scope that is the same however it is written, and a valid name', () => {
    const scopes = ['photos', './photos/', 'pictures', join(here, 'both/../photos'), `file://${here}/photos`].map(
      (argument) => resolve(argument).profile.name,
    );
    expect(new Set(scopes).size).toBe(1);
    expect(scopes[0]).toMatch(/^photos-[0-9a-f]{8}$/);
    expect(resolve('/x/photos').profile.name).not.toBe(scopes[0]);
    for (const argument of [
      '/',
      '/_x',
      '/.hidden',
      '/admin',
      '/Zoë & Cie',
      `/${'x'.repeat(200)}`,
      's3://my.bucket',
      's3://bucket/__',
    ]) {
      expect(findScopeProblem(resolve(argument).profile.name)).toBeUndefined();
    }
  });
});

describe('an argument that names a place in S3', () => {
  it('takes endpoint and region from the environment, and credentials from the AWS chain', () => {
    const environment = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9400', AWS_REGION: 'here' };
    const { profile, path } = resolveTarget('s3://bucket/a/b', configuration, {
      surroundings: surroundingsOf(environment, here),
    });
    expect(profile.storage).toMatchObject({
      bucket: 'bucket',
      prefix: 'a/b/',
      region: 'here',
      endpointUrl: 'http://127.0.0.1:9400',
      pathStyle: true,
      credentials: { kind: 'chain' },
    });
    expect(profile.name).toMatch(/^b-[0-9a-f]{8}$/);
    expect(path).toBe('');
  });

  it('as an object is its last segment below the prefix around it, byte for byte', () => {
    expect(resolve('s3://bucket/a/b c%20.txt', 'object')).toMatchObject({
      profile: { storage: { bucket: 'bucket', prefix: 'a/' } },
      path: 'b c%20.txt',
    });
    expect(resolve('s3://bucket/a/', 'object')).toMatchObject({ profile: { storage: { prefix: 'a/' } }, path: '' });
    expect(resolve('s3://bucket', 'object')).toMatchObject({
      profile: { storage: { bucket: 'bucket', prefix: '' } },
      path: '',
    });
    expect(resolve('s3://bucket/x', 'object').profile.name).toBe(resolve('s3://bucket').profile.name);
  });

  it('is refused where the endpoint in the environment is broken', () => {
    const broken = surroundingsOf({ AWS_ENDPOINT_URL: 'localhost:9000' }, here);
    expect(errorOf(() => resolveTarget('s3://bucket', configuration, { surroundings: broken })).message).toContain(
      'AWS_ENDPOINT_URL',
    );
  });

  it('is refused without quoting what may be a key in it', () => {
    const { message } = errorOf(() => resolve('s3://KEY:TOPSECRET@bucket/a'));
    expect(message).toContain('credentials in it');
    expect(message).not.toContain('TOPSECRET');
  });
});

describe('an argument that names nothing', () => {
  it.each(['', 'gs://bucket', 'https://h/x', 'a\0b', 's3://', 's3://a//b', 'pando://'])(
    'is refused: %j',
    (argument) => {
      expect(errorOf(() => resolve(argument)).problems).toEqual([
        expect.objectContaining({ file: undefined, remedy: expect.stringMatching(/\w/) }),
      ]);
    },
  );
});
