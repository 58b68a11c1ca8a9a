import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';
import { briefly, configure, errorOf, problemsOf, surroundingsOf, temporaryDirectory } from './configure.ts';

describe('the catalog', () => {
  const of = (text: string, environment: Record<string, string> = {}, data?: string) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'pando.yaml'), text);
    const { catalog } = loadConfiguration({ data, surroundings: surroundingsOf(environment, directory) });
    const place = catalog.kind === 'sqlite' ? catalog.path : catalog.url;
    return place.replace(directory, 'HERE');
  };

  it.each([
    [
      'the default is in the data directory of the user',
      '',
      {},
      undefined,
      '/home/someone/.local/share/pando/catalog.sqlite',
    ],
    ['XDG_DATA_HOME moves the default', '', { XDG_DATA_HOME: '/xdg' }, undefined, '/xdg/pando/catalog.sqlite'],
    ['PANDO_DATA moves the default', '', { PANDO_DATA: '/var/pando' }, undefined, '/var/pando/catalog.sqlite'],
    ['the file names one', 'catalog: sqlite:/c/pando.db', {}, undefined, '/c/pando.db'],
    ['a path in the file is relative to the file', 'catalog: sqlite:c.db', {}, undefined, 'HERE/c.db'],
    ['a path in the file may start at home', 'catalog: sqlite:~/c.db', {}, undefined, '/home/someone/c.db'],
    ['a URL in the file works as a path', 'catalog: sqlite:///c/pando.db', {}, undefined, '/c/pando.db'],
    ['the file names a shared one', 'catalog: postgres://db/pando', {}, undefined, 'postgres://db/pando'],
    [
      'PANDO_DATA overrides an embedded one of the file',
      'catalog: sqlite:/c.db',
      { PANDO_DATA: '/d' },
      undefined,
      '/d/catalog.sqlite',
    ],
    [
      'PANDO_DATA does not override a shared one',
      'catalog: postgres://db/pando',
      { PANDO_DATA: '/d' },
      undefined,
      'postgres://db/pando',
    ],
    [
      'PANDO_CATALOG overrides the file and PANDO_DATA',
      'catalog: postgres://db/pando',
      { PANDO_CATALOG: 'sqlite:/e.db', PANDO_DATA: '/d' },
      undefined,
      '/e.db',
    ],
    [
      '--data overrides all',
      'catalog: postgres://db/pando',
      { PANDO_CATALOG: 'sqlite:/e.db' },
      'here',
      'HERE/here/catalog.sqlite',
    ],
  ])('%s', (_, text, environment, data, expected) => {
    expect(of(text, environment, data)).toBe(expected);
  });

  it('cannot lie in a directory that a sync touches', () => {
    const text = `catalog: sqlite:/data/a/.state/c.db
profiles:
  a:
    storage_provider: { type: file, options: { base_path: /data/a } }
    replicas: [{ replica_profile: b, read_priority: 1 }]
  b:
    storage_provider: { type: file, options: { base_path: /data/b } }
`;
    expect(briefly(problemsOf(text))).toEqual([
      'profiles.a.storage_provider.options.base_path: base_path holds the catalog /data/a/.state/c.db, which a sync must not touch',
    ]);
    expect(() => configure(text.replace('/data/a/.state', '/data/ab'))).not.toThrow();
  });
});

describe('the file', () => {
  const fileIn = (directory: string, name: string, profile: string) => {
    const path = join(directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `{"profiles": {"${profile}": {"storage_provider": {"type": "memory"}}}}`);
    return path;
  };
  const loaded = (directory: string, environment: Record<string, string>, config?: string) =>
    Object.keys(
      loadConfiguration({ config, surroundings: { environment, directory, home: join(directory, 'home') } }).profiles,
    );

  it('is the first of --config, PANDO_CONFIG, ./pando.yaml, .yml, .json and the one of the user', () => {
    const directory = temporaryDirectory();
    const environment = {};
    expect(loaded(directory, environment)).toEqual([]);
    fileIn(directory, 'home/.config/pando/config.yaml', 'user');
    expect(loaded(directory, environment)).toEqual(['user']);
    fileIn(directory, 'pando.json', 'json');
    expect(loaded(directory, environment)).toEqual(['json']);
    fileIn(directory, 'pando.yml', 'yml');
    expect(loaded(directory, environment)).toEqual(['yml']);
    fileIn(directory, 'pando.yaml', 'yaml');
    expect(loaded(directory, environment)).toEqual(['yaml']);
    fileIn(directory, 'named.yaml', 'environment');
    expect(loaded(directory, { PANDO_CONFIG: 'named.yaml' })).toEqual(['environment']);
    fileIn(directory, 'asked.yaml', 'flag');
    expect(loaded(directory, { PANDO_CONFIG: 'named.yaml' }, 'asked.yaml')).toEqual(['flag']);
  });

  it('of the user lies where XDG_CONFIG_HOME says', () => {
    const directory = temporaryDirectory();
    fileIn(directory, 'xdg/pando/config.yaml', 'xdg');
    expect(loaded(directory, { XDG_CONFIG_HOME: join(directory, 'xdg') })).toEqual(['xdg']);
  });

  it('that was asked for must be readable text', () => {
    const directory = temporaryDirectory();
    const reason = (config: string) => errorOf(() => loaded(directory, {}, config)).problems[0]?.message;
    expect(reason('none.yaml')).toBe('it does not exist; --config names it');
    expect(reason('.')).toContain('it is a directory');
    writeFileSync(join(directory, 'latin1.yaml'), Buffer.from([0x61, 0x3a, 0xe9]));
    expect(reason('latin1.yaml')).toContain('it is not UTF-8');
    writeFileSync(join(directory, 'huge.yaml'), Buffer.alloc(5 * 1024 ** 2, 0x20));
    expect(reason('huge.yaml')).toContain('larger than 4 MiB');
    expect(errorOf(() => loaded(directory, { PANDO_CONFIG: 'none.yaml' })).message).toContain('PANDO_CONFIG names it');
  });
});
