// npm start [-- DIR]: set-up, then Pando's main job on real files. Needs neither root nor a package manager.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { environment, root, setUp, stop } from './setup.mjs';

const node = await setUp().catch(stop);
await handOver(node, [join(root, 'bin/pando.mjs'), 'demo', ...process.argv.slice(2)], {
  env: environment(node),
  passedAs: 'SIGUSR2',
});
