import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Pando } from '../../src/compose.ts';
import { makeProfile } from '../../src/config/make-profile.ts';

// Puts one object and tells so when it is done; told so, its directory was made by somebody else a moment ago.
const [, , directory = '', data = '', name = '', made] = process.argv;
await using pando = new Pando({
  file: undefined,
  catalog: { kind: 'sqlite', path: join(data, 'catalog.sqlite') },
  profiles: {},
});
const scope = await pando.openScope(makeProfile('data', { type: 'file', basePath: directory }));
const verbs = await pando.objects();
if (made !== undefined) mkdirSync(dirname(join(directory, name)), { recursive: true });
await verbs.write({ scope, name, body: Buffer.alloc(100_000, 'x'), attributes: {} });
process.stdout.write('{reply}\n');
