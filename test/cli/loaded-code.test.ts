import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const hook = `import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({ load: (url, context, next) => (appendFileSync(process.env.LOADED, url + '\\n'), next(url, context)) });
`;

// The sources as they are, and not in few files, which load more than they name.
const program = `import { main } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/cli/main.ts'))};
process.exitCode = await main(process.argv.slice(2));
`;

// Each command is a process of its own: what it loads is what it costs before it begins.
test('without a configuration nothing that reads one is loaded', async () => {
  using box = new Sandbox();
  box.write({ 'a/f': 'x', 'b/.keep': '', 'hook.mjs': hook, 'run.mjs': program });
  for (const args of [
    ['cat', './a/f'],
    ['sync', './a', './b'],
  ]) {
    const loaded = box.path(`loaded-by-${args[0]}`);
    await promisify(execFile)(process.execPath, ['--import', box.path('hook.mjs'), box.path('run.mjs'), ...args], {
      cwd: box.root,
      env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state, LOADED: loaded },
    });
    const modules = readFileSync(loaded, 'utf8').split('\n');
    expect(modules.filter((url) => /\/src\/(cli|config)\//.test(url)).length).toBeGreaterThan(10);
    expect(
      modules.filter((url) => /node_modules\/(zod|yaml|pg|@aws-sdk)\/|config\/(load|schema)\.ts/.test(url)),
    ).toEqual([]);
  }
});
