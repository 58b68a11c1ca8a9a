import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type S3Access, singleTarget } from './contestant.ts';
import { warm } from './dataset.ts';
import { pandoMissing } from './pando.ts';
import type { Row } from './rows.ts';
import { runCommand } from './run-command.ts';
import { makeBucket, newTask, sourceOf } from './run-row.ts';

/** What `node --cpu-prof` writes: one file a thread. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

const functionsShown = 40;

/** Runs Pando's part of a row once under the profiler, all threads and processes of it, and says where the time went. */
export async function profileRow(
  row: Row,
  { directory, startS3 }: { readonly directory: string; readonly startS3: () => Promise<S3Access & AsyncDisposable> },
): Promise<string> {
  if (pandoMissing !== undefined) throw new Error(`pando is not available: ${pandoMissing}`);
  const contestant = row.contestants.find(({ name }) => name.startsWith('pando'));
  if (contestant === undefined) throw new Error(`${row.name} has no run of Pando`);
  const source = sourceOf(row.dataset, directory);
  await using s3 = row.target === 'bucket' ? await startS3() : undefined;
  const task = newTask(row, { directory }, source, contestant, 'profile', s3);
  if (s3 !== undefined) await makeBucket(s3, singleTarget(task));
  const profiles = join(directory, 'profiles');

  if (row.isRepeated) for (const command of contestant.commands(task)) await runCommand(command);
  warm(source);
  for (const command of contestant.commands({ ...task, isRepeated: row.isRepeated })) {
    const options = `--cpu-prof --cpu-prof-dir=${profiles}`;
    await runCommand({ ...command, env: { ...command.env, NODE_OPTIONS: options } });
  }
  return summarise(row, profiles);
}

function summarise(row: Row, directory: string): string {
  const files = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'));
  const total = new Map<string, number>();
  for (const file of files) {
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
    for (const [name, ms] of selfTimes(profile)) total.set(name, (total.get(name) ?? 0) + ms);
  }
  const busy = [...total].filter(([name]) => !name.startsWith('(idle)'));
  const sum = busy.reduce((all, [, ms]) => all + ms, 0);
  const lines = busy
    .sort(([, a], [, b]) => b - a)
    .slice(0, functionsShown)
    .map(([name, ms]) => `${ms.toFixed(0).padStart(8)} ms ${((100 * ms) / sum).toFixed(1).padStart(5)} %  ${name}`);
  return [`── ${row.name}: self time in ${files.length} threads, ${sum.toFixed(0)} ms without idling`, ...lines].join(
    '\n',
  );
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, describeFrame(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '(unknown)';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
  });
  return times;
}

function describeFrame({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const path = url.startsWith('file:') ? fileURLToPath(url).replace(/^.*\/node_modules\//, '') : url;
  return path === '' ? name : `${name}  ${path}:${lineNumber + 1}`;
}
