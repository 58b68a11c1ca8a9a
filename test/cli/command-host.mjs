// Runs one command line after the other as the launcher does, in one process: most of a short command's time is the start of its process.
import { enableCompileCache } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findMain } from '../../bin/find-main.mjs';

const { directory } = enableCompileCache();
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { main } = await import(pathToFileURL(findMain(root)));

// Each command listens to them, as the only one of its process would.
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);
process.on('message', async ({ args, cwd, env, id }) => {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env, directory === undefined ? {} : { NODE_COMPILE_CACHE: directory });
  const over = `\0${id}:${await main(args)}\0`;
  process.stdout.write(over);
  process.stderr.write(over);
});
process.on('disconnect', () => process.exit());
process.send('ready');
