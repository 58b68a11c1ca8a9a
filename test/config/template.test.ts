import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTemplate } from '../../src/config/template.ts';
import { configure } from './configure.ts';

describe('the template', () => {
  it('is valid for no directory, one, and several', () => {
    expect(configure(renderTemplate([])).profiles['data']?.storage).toEqual({
      type: 'file',
      basePath: '/etc/pando/data',
    });
    expect(Object.keys(configure(renderTemplate(['/x/photos'])).profiles)).toEqual(['photos']);
    const { profiles } = configure(renderTemplate(['photos', '/backup/photos', '~/copy']));
    expect(profiles['photos']).toMatchObject({
      storage: { basePath: '/etc/pando/photos' },
      replicas: [
        { profile: 'photos-2', readPriority: 1 },
        { profile: 'copy', readPriority: 2 },
      ],
    });
    expect(profiles['photos-2']?.storage).toEqual({ type: 'file', basePath: '/backup/photos' });
    expect(profiles['copy']?.storage).toEqual({ type: 'file', basePath: '/home/someone/copy' });
  });

  it('is valid when its examples are uncommented', () => {
    const text = renderTemplate(['/x/photos'])
      .replace(/^ {4}# Copies of it.*\n/m, '')
      .replaceAll(
        /^( +)# ?( *)(replicas:|- replica_profile|read_priority|bucket:|storage_provider:|type:|options:|base_path:|region:|endpoint_url:|credentials_provider:|access_key:|secret_key:)/gm,
        '$1$2$3',
      )
      .replace('a-second-place', 'bucket');
    const { profiles } = configure(text, { S3_ACCESS_KEY: 'k', S3_SECRET_KEY: 's' });
    expect(profiles['photos']?.replicas).toEqual([{ profile: 'bucket', readPriority: 1 }]);
    expect(profiles['bucket']?.storage).toMatchObject({
      bucket: 'my-bucket',
      credentials: { kind: 'static', accessKey: 'k' },
    });
  });

  it('names the defaults that the loader has', () => {
    const template = renderTemplate([]);
    const defaults = /with the defaults:\n([\s\S]*?)(?=  # {3}concurrency)/
      .exec(template)?.[1]
      ?.replaceAll(/^ {2}# {3}/gm, '    ');
    const of = (more: string) =>
      configure(`profiles:\n  m:\n    storage_provider: { type: memory }\n${more}`).profiles['m'];
    expect(of(defaults ?? 'x')).toEqual(of(''));
  });

  it('keeps any path as it is', () => {
    const path = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 30 })
      .filter((text) => !text.includes('\0') && text.isWellFormed());
    fc.assert(
      fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 3 }), (names) => {
        const paths = names.map((name, i) => `/${i}/${name.replaceAll('/', '-')}-`);
        const { profiles } = configure(renderTemplate(paths));
        // Not in order: JavaScript lists names that are integers first.
        const kept = Object.values(profiles).map(({ storage }) => (storage.type === 'file' ? storage.basePath : ''));
        expect(new Set(kept)).toEqual(new Set(paths));
      }),
    );
    const folded = '/0/\u0001\u0001\u{10000}\n\u000e\u0001\u000e-';
    expect(Object.values(configure(renderTemplate([folded])).profiles)).toMatchObject([
      { storage: { basePath: folded } },
    ]);
    expect(configure(renderTemplate(['/a ${HOME} $$: #x'])).profiles).toMatchObject({
      'a-HOME-x': { storage: { basePath: '/a ${HOME} $$: #x' } },
    });
  });
});
