import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { OperationIds } from '../../src/engine/operation-ids.ts';
import { SiteStore } from '../../src/engine/sites/site-store.ts';
import { writeVersion } from '../../src/engine/sites/write-version.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';

// Writes so many objects at once into a site's own store, and tells when all are done.
const [, , directory = '', path = '', count = '1'] = process.argv;
await using catalog = await openSqliteCatalog({ path });
await using storage = openFileStorage({ name: 'local', basePath: directory });
const replicas = [{ store: storage.place, title: 'local', priority: 1 }];
await catalog.openScope({ name: 's', title: 's', source: undefined, replicas, standing: false });
const store = new SiteStore(storage);
const operations = new OperationIds(systemClock, systemRandom);
await Promise.all(
  Array.from({ length: Number(count) }, async (_, at) => {
    const body = Buffer.from(`bytes of ${at}`);
    await writeVersion({ catalog, clock: systemClock, operations }, { scope: 's', name: `n${at}`, store, body });
  }),
);
process.stdout.write('{reply}\n');
