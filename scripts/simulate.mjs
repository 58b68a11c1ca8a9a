// npm run simulate -- --seed N [--seeds COUNT] [--sites N] [--verbose] [--mutation NAME]: the world of a seed, and its story.
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { environment, root, setUp, stop } from './setup.mjs';

const node = await setUp().catch(stop);
await handOver(node, [join(root, 'test/simulation/main.ts'), ...process.argv.slice(2)], {
  cwd: root,
  env: environment(node),
});
