// npm run check: everything that can be checked by a machine. Runs every step, ends with the exit code of the first that failed.
import { spawnSync } from 'node:child_process';
import { environment, root, say, secondsSince, setUp, stop } from './setup.mjs';

const steps = [
  ['format', 'biome', 'format', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['types of the domain', 'tsc', '-p', 'tsconfig.domain.json'],
  ['unused code', 'knip', '--no-config-hints'],
  ['build', 'npm', 'run', '--silent', 'build'],
  ['package', 'publint', '--strict'],
  ['tests', 'node', 'scripts/test.mjs'],
];

const env = environment(await setUp().catch(stop));
const outcomes = steps.map(([name, command, ...args]) => {
  const start = Date.now();
  say(`\n── ${name}: ${[command, ...args].join(' ')}`);
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  return { name, status: status === null ? 1 : status, took: secondsSince(start) };
});

say('');
for (const { name, status, took } of outcomes) say(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(20)} ${took}`);
const failed = outcomes.find(({ status }) => status !== 0);
process.exitCode = failed === undefined ? 0 : failed.status;
