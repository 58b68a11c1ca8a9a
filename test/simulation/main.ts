import { parseArgs } from 'node:util';
import { runSeed } from './run-seed.ts';

// node test/simulation/main.ts [--seed N] [--seeds COUNT] [--sites N] [--verbose]: runs worlds until one of them goes wrong.
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    sites: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
const count = Number(values.seeds);
const sites = values.sites === undefined ? undefined : Number(values.sites);
const began = process.cpuUsage();
process.exitCode = await main();

async function main(): Promise<number> {
  for (let seed = first; seed < first + count; seed++) {
    const { complaints, story } = await runSeed(seed, { sites });
    if (values.verbose || complaints.length > 0) process.stdout.write(`${story.join('\n')}\n`);
    if (complaints.length === 0) continue;
    process.stdout.write(`seed ${seed}: ${complaints.join('\n')}\n`);
    return 1;
  }
  const { user, system } = process.cpuUsage(began);
  const ms = (user + system) / 1000 / count;
  process.stdout.write(`${count} seeds from ${first} on: all is well (${ms.toFixed(0)} ms of a processor a seed)\n`);
  return 0;
}
