// npm run build: what is published, with types beside it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { environment, root, runQuietly, setUp, stop } from './setup.mjs';

const node = await setUp().catch(stop);
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const types = await runQuietly('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, env: environment(node) });
if (types.status !== 0) stop(new Error((types.stdout || types.stderr).trim()));

await bundle(root, dist);
