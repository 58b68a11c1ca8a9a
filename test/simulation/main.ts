import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTATIONS, mutate } from './mutations.ts';

// npm run simulate -- [--seed N] [--seeds COUNT] [--sites N] [--verbose] [--mutation NAME]
// Runs the worlds of some seeds until one goes wrong, and tells its story.
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    sites: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    mutation: { type: 'string' },
  },
});

if (values.mutation !== undefined) introduce(values.mutation);
process.exitCode = await main();

async function main(): Promise<number> {
  // After the defect was put into what this imports.
  const { runSeed } = await import('./run-seed.ts');
  const [first, count] = [Number(values.seed), Number(values.seeds)];
  const sites = values.sites === undefined ? undefined : Number(values.sites);
  const began = process.cpuUsage();
  for (let seed = first; seed < first + count; seed++) {
    const { complaints, story } = await runSeed(seed, { sites });
    if (values.verbose || (complaints.length > 0 && count === 1)) process.stdout.write(`${story.join('\n')}\n`);
    if (complaints.length === 0) continue;
    process.stdout.write(`seed ${seed}: ${complaints.join('\n')}\n`);
    return 1;
  }
  const { user, system } = process.cpuUsage(began);
  const ms = (user + system) / 1000 / count;
  process.stdout.write(`${count} seeds from ${first} on: all is well (${ms.toFixed(0)} ms of a processor a seed)\n`);
  return 0;
}

function introduce(name: string): void {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`there is no mutation "${name}": see test/simulation/mutations.ts`);
  const target = pathToFileURL(resolve(import.meta.dirname, '../..', mutation.file)).href;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (url !== target) return loaded;
      return { ...loaded, source: mutate(mutation, Buffer.from(loaded.source as Uint8Array).toString()) };
    },
  });
}
