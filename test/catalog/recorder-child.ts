import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';

/**
 * A process that records objects in a SQLite catalog, `callers` at a time, and prints the name of each when it is
 * acknowledged. Arguments: path, prefix of the names, how many objects, callers.
 */
const [path = '', prefix = '', count = '0', callers = '1'] = process.argv.slice(2);
const scope = 'shared';

await using catalog = await openSqliteCatalog({ path });
await catalog.openScope({ name: scope, title: scope, source: 'test:source', replicas: [], standing: true });
let next = 0;
const record = async () => {
  while (next < Number(count)) {
    const at = next++;
    const name = `${prefix}${at}`;
    await catalog.record({
      changes: [
        {
          scope,
          name,
          follows: undefined,
          operation: `01920000-0000-7000-8000-${at.toString(16).padStart(12, '0')}`,
          content: { kind: 'object', size: at, sha256: undefined },
          replicas: [
            { store: 'test:source', state: 'AVAILABLE', place: name, token: `t${at}`, verification: 'written' },
          ],
        },
      ],
    });
    process.stdout.write(`${name}\n`);
  }
};
await Promise.all(Array.from({ length: Number(callers) }, record));
