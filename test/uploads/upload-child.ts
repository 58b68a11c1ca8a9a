// Begins an upload and is killed before its first byte has gone: node upload-child.ts ROOT STORE FILE…
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { upload } from '../../src/client/upload.ts';
import { Pando } from '../../src/compose.ts';
import { parseConfiguration } from '../../src/config/load.ts';

const [root = '', store = '', ...files] = process.argv.slice(2);
const file = join(root, 'pando.yaml');
const surroundings = { environment: {}, directory: root, home: root };
const configuration = {
  ...parseConfiguration(readFileSync(file, 'utf8'), { file, surroundings }),
  catalog: { kind: 'sqlite', path: join(root, 'catalog.db') } as const,
};
const pando = new Pando(configuration);
await upload({ pando, account: 'jdoe', scope: 'user.jdoe' }, files, {
  dataset: 'd',
  store,
  overwrite: true,
  onStep: (step) => {
    if (step.kind === 'sending') process.kill(process.pid, 'SIGKILL');
  },
});
