import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { preparePlace, sharedFileSystem } from '../../src/catalog/sqlite-place.ts';
import { CatalogError } from '../../src/ports/catalog.ts';
import { expectKind } from '../../src/testing/catalog-contract/harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-catalog-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the place of a SQLite catalog', () => {
  it('is for its owner only: directories 0700, the file and its log 0600', async () => {
    const path = join(directory, 'deep/er/catalog.db');
    await using catalog = await openSqliteCatalog({ path });
    await catalog.openScope({ name: 's', title: 's', source: 'test:s', replicas: [], standing: true });
    expect(modes('deep', 'deep/er')).toEqual([0o700, 0o700]);
    expect(modes('deep/er/catalog.db', 'deep/er/catalog.db-wal')).toEqual([0o600, 0o600]);
  });

  it('that exists keeps its directory as it is', async () => {
    mkdirSync(join(directory, 'open'));
    chmodSync(join(directory, 'open'), 0o755);
    await using catalog = await openSqliteCatalog({ path: join(directory, 'open/catalog.db') });
    await catalog.status();
    expect(modes('open')).toEqual([0o755]);
  });

  const shared: readonly [string, number][] = [
    ['NFS', 0x6969],
    ['Lustre', 0x0bd00bd0],
    ['CIFS', 0xff534d42 | 0],
  ];
  it.for(shared)('on %s is refused, with the way out', ([name, type]) => {
    const path = join(directory, 'refused/catalog.db');
    const prepare = () => preparePlace(path, () => type);
    expect(prepare).toThrow(CatalogError);
    expect(prepare).toThrow(new RegExp(`${name}.*PostgreSQL`));
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  it('may be any local file system', () => {
    for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630]) {
      expect(sharedFileSystem(type)).toBeUndefined();
    }
  });
});

describe('opening a SQLite catalog', () => {
  it('again changes nothing and finds everything', async () => {
    const path = join(directory, 'again.db');
    const first = await openSqliteCatalog({ path });
    await first.openScope({ name: 's', title: 's', source: 'test:s', replicas: [], standing: true });
    const site = await first.site();
    await first[Symbol.asyncDispose]();
    const schema = schemaOf(path);
    const before = readFileSync(path);
    await using second = await openSqliteCatalog({ path });
    expect(await second.site()).toEqual(site);
    expect(schemaOf(path)).toEqual(schema);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('by many at once makes it once', async () => {
    const path = join(directory, 'at-once.db');
    const catalogs = await Promise.all(Array.from({ length: 6 }, () => openSqliteCatalog({ path })));
    const sites = await Promise.all(catalogs.map((catalog) => catalog.site()));
    expect(new Set(sites.map((site) => JSON.stringify(site))).size).toBe(1);
    for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
  });

  it('that a newer program wrote is refused', async () => {
    const path = join(directory, 'newer.db');
    await (await openSqliteCatalog({ path }))[Symbol.asyncDispose]();
    const database = new DatabaseSync(path);
    database.exec("insert into kysely_migration (name, timestamp) values ('9999-future', '2999')");
    database.close();
    await expectKind(openSqliteCatalog({ path }), 'too-new');
    await expect(openSqliteCatalog({ path })).rejects.toThrow('9999-future');
  });

  it('that is no database is refused as corrupt', async () => {
    const path = join(directory, 'garbage.db');
    writeFileSync(path, 'this is not a database, and long enough to be looked at: '.repeat(50));
    await expectKind(openSqliteCatalog({ path }), 'corrupt');
  });

  it('below a file fails', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(openSqliteCatalog({ path: join(directory, 'file/catalog.db') })).rejects.toThrow(CatalogError);
  });

  it('gives every new catalog an incarnation of its own', async () => {
    const sites = [];
    for (const name of ['one.db', 'two.db']) {
      await using catalog = await openSqliteCatalog({ path: join(directory, name) });
      sites.push(await catalog.site());
    }
    expect(sites[0]?.incarnation).not.toBe(sites[1]?.incarnation);
    expect(sites[0]?.id).not.toBe(sites[1]?.id);
  });

  it('twice in one process gives two that see each other', async () => {
    const path = join(directory, 'twice.db');
    await using one = await openSqliteCatalog({ path });
    await using other = await openSqliteCatalog({ path });
    await one.openScope({ name: 's', title: 's', source: 'test:s', replicas: [], standing: true });
    expect(await other.listStandingRules('s')).toEqual([]);
    await one.recordEvents([{ kind: 'seen', scope: 's', detail: '' }]);
    expect(await other.listEvents({ limit: 1 })).toMatchObject([{ kind: 'seen' }]);
  });
});

describe('a closed SQLite catalog', () => {
  const options = [{ thread: true }, { thread: false }] as const;
  it.for(options)('answers that it is closed (%o)', async (option) => {
    const catalog = await openSqliteCatalog({ path: join(directory, `closed-${option.thread}.db`), ...option });
    const before = catalog.recordEvents([{ kind: 'last', scope: 's', detail: '' }]);
    await catalog[Symbol.asyncDispose]();
    await catalog[Symbol.asyncDispose]();
    await before;
    await expectKind(catalog.status(), 'unavailable');
  });
});

function modes(...paths: readonly string[]): number[] {
  return paths.map((path) => statSync(join(directory, path)).mode & 0o777);
}

function schemaOf(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return database.prepare('select * from sqlite_schema order by name').all();
  } finally {
    database.close();
  }
}
