// npm run bench -- [ROW…] [--rounds N] [--scale F] [--transfers N] [--dir DIR] [--profile ROW] [--list]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRgw } from '../test/servers/rgw.ts';
import { scaleDataset } from './dataset.ts';
import { describeMachine } from './machine.ts';
import { pandoMissing } from './pando.ts';
import { profileRow } from './profile.ts';
import { describeMachineLines, describeRow, goalsOf } from './report.ts';
import { makeRows, type Row } from './rows.ts';
import { runRow } from './run-row.ts';
import { spreadOf } from './statistics.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    /** Files at a time: where Pando is told a number, and for the peers' second setting. */
    transfers: { type: 'string', default: '8' },
    dir: { type: 'string', default: tmpdir() },
    profile: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
const rounds = readNumber('rounds', values.rounds);
const rows = chooseRows(values.profile === undefined ? positionals : [values.profile]);
const directory = values.list ? '' : mkdtempSync(join(values.dir, 'pando-bench-'));

try {
  if (values.list) for (const { name, title } of rows) say(`${name.padEnd(10)} ${title}`);
  else if (values.profile === undefined) await compare();
  else for (const row of rows) say(await profileRow(row, { directory, startS3: startRgw }));
} finally {
  if (directory !== '') rmSync(directory, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  const machine = describeMachine(directory);
  say(describeMachineLines(machine, rounds));
  const results = [];
  for (const row of rows) {
    const result = await runRow(row, {
      directory,
      rounds,
      startS3: startRgw,
      absence: ({ name }) =>
        pandoMissing !== undefined && name.startsWith('pando') ? `not available: ${pandoMissing}` : undefined,
      onRun: (text) => process.stderr.write(`${text}\n`),
    });
    say(describeRow(result));
    results.push({
      row: row.name,
      dataset: row.dataset,
      seconds: Object.fromEntries(result.seconds),
      medians: Object.fromEntries([...result.seconds].map(([name, times]) => [name, spreadOf(times).median])),
      failures: Object.fromEntries(result.failures),
      goals: goalsOf(result),
    });
  }
  say(`\nwritten to ${writeResults({ machine, rounds, scale: values.scale, results })}`);
}

/** By the beginning of their names, in their own order: `s3` is both rows with S3. */
function chooseRows(names: readonly string[]): Row[] {
  const all = makeRows(readNumber('transfers', values.transfers));
  const unknown = names.filter((name) => !all.some((row) => row.name.startsWith(name)));
  if (unknown.length > 0)
    throw new Error(`no row ${unknown.join(', ')}: there are ${all.map(({ name }) => name).join(', ')}`);
  const scale = readNumber('scale', values.scale);
  return all
    .filter((row) => names.length === 0 || names.some((name) => row.name.startsWith(name)))
    .map((row) => ({ ...row, dataset: scaleDataset(row.dataset, scale) }));
}

function writeResults(content: object): string {
  const folder = join(import.meta.dirname, 'results');
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  return file;
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${text}`);
  return value;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
