import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contestant, type S3Access, singleTarget, type Task } from './contestant.ts';
import { type Dataset, formatBytes, makeDataset, warm } from './dataset.ts';
import { listWithRclone, uploadWithRclone } from './peers.ts';
import type { Row } from './rows.ts';
import { runCommand } from './run-command.ts';
import { rotate } from './statistics.ts';
import { demandSameTree, listTree } from './tree.ts';

export interface RowResult {
  readonly row: Row;
  /** By contestant, one entry a round. */
  readonly seconds: ReadonlyMap<string, readonly number[]>;
  /** Why a contestant has no result. */
  readonly failures: ReadonlyMap<string, string>;
}

export interface RowOptions {
  readonly directory: string;
  readonly rounds: number;
  readonly startS3: () => Promise<S3Access & AsyncDisposable>;
  /** Why a contestant cannot take part; undefined if it can. */
  readonly absence: (contestant: Contestant) => string | undefined;
  readonly onRun: (text: string) => void;
}

/** A flush of the file system and this long a pause come before each timed run, so that none pays for the one before. */
const settleMs = 500;
/** Deleting many files makes creating files slow for half a minute, so those stay until all rows have run. */
const filesDeletedMax = 100;

/** Each round runs every contestant once, each into a directory of its own, another one first each time. */
export async function runRow(row: Row, options: RowOptions): Promise<RowResult> {
  const source = sourceOf(row.dataset, options.directory);
  const expected = listTree(source);
  const seconds = new Map<string, number[]>();
  const failures = new Map<string, string>();

  const attempt = async (contestant: Contestant, work: () => Promise<void>): Promise<void> => {
    const absence = failures.get(contestant.name) ?? options.absence(contestant);
    if (absence === undefined) await work().catch((error: Error) => failures.set(contestant.name, error.message));
    else failures.set(contestant.name, absence);
  };

  const participants = row.contestants.filter((contestant) => options.absence(contestant) === undefined).length;
  demandSpace(row, options, participants);
  if (row.isRepeated) {
    for (const contestant of row.contestants) {
      await attempt(contestant, async () => {
        await time(contestant, newTask(row, options, source, contestant, 'same'), expected);
        options.onRun(`${row.name}: ${contestant.name}: first copy made`);
      });
    }
  }
  for (let round = 0; round < options.rounds; round++) {
    await using s3 = row.target === 'bucket' ? await options.startS3() : undefined;
    for (const contestant of rotate(row.contestants, round)) {
      await attempt(contestant, async () => {
        const task = newTask(row, options, source, contestant, row.isRepeated ? 'same' : `${round}`, s3);
        const took = await time(contestant, { ...task, isRepeated: row.isRepeated }, expected);
        seconds.set(contestant.name, [...(seconds.get(contestant.name) ?? []), took]);
        options.onRun(`${row.name}: round ${round + 1} of ${options.rounds}: ${contestant.name}: ${took.toFixed(3)} s`);
      });
    }
  }
  for (const name of failures.keys()) seconds.delete(name);
  return { row, seconds, failures };
}

/** Makes a data set once; rows of the same shape share it. */
export function sourceOf(dataset: Dataset, directory: string): string {
  const source = join(directory, `source-${dataset.files}-${dataset.fileBytes}`);
  if (!existsSync(source)) makeDataset(source, dataset);
  return source;
}

export function newTask(
  row: Row,
  { directory }: { readonly directory: string },
  source: string,
  contestant: Contestant,
  run: string,
  s3?: S3Access,
): Task {
  const place = join(directory, row.name, contestant.name.replaceAll(/\W+/g, '-'), run);
  const names = row.target === 'two directories' ? ['copy-1', 'copy-2'] : ['copy'];
  mkdirSync(place, { recursive: true });
  const task = { source, state: join(place, 'state'), files: row.dataset.files, isRepeated: false };
  if (s3 === undefined) return { ...task, targets: names.map((name) => join(place, name)) };
  const bucket = contestant.name.replaceAll(/\W+/g, '-');
  return { ...task, targets: [`${bucket}/copy`], s3 };
}

async function time(contestant: Contestant, task: Task, expected: ReadonlyMap<string, number>): Promise<number> {
  if (task.s3 !== undefined) await makeBucket(task.s3, singleTarget(task));
  const commands = contestant.commands(task);
  warm(task.source);
  await runCommand({ program: 'sync', args: ['-f', task.source] });
  await sleep(settleMs);

  let output = '';
  const start = performance.now();
  for (const command of commands) output += await runCommand(command);
  const took = (performance.now() - start) / 1000;

  contestant.check?.(task, output);
  for (const target of task.targets) demandSameTree(expected, await listTarget(task, target));
  if (expected.size <= filesDeletedMax && task.s3 === undefined && !task.isRepeated) {
    for (const target of task.targets) rmSync(target, { recursive: true });
  }
  return took;
}

/** With one small object in it: the first write to a new server makes its pools. */
export async function makeBucket(s3: S3Access, target: string): Promise<void> {
  const bucket = target.split('/')[0] ?? target;
  await runCommand(uploadWithRclone(s3, import.meta.filename, `${bucket}/warm-up`));
}

async function listTarget({ s3 }: Task, target: string): Promise<Map<string, number>> {
  if (s3 === undefined) return listTree(target);
  const lines = (await runCommand(listWithRclone(s3, target))).trimEnd().split('\n');
  const listed = lines.map((line): [string, number] => [line.slice(line.indexOf(' ') + 1), Number.parseInt(line, 10)]);
  return new Map(listed.filter(([path]) => !path.startsWith('.pando/')));
}

function demandSpace({ name, dataset, target, isRepeated }: Row, options: RowOptions, contestants: number): void {
  if (target === 'bucket') return;
  const blockBytes = 4096;
  const copyBytes = dataset.files * Math.ceil(dataset.fileBytes / blockBytes) * blockBytes;
  const runs = dataset.files <= filesDeletedMax ? 1 : isRepeated ? contestants : contestants * options.rounds;
  const needed = copyBytes * runs * (target === 'two directories' ? 2 : 1);
  const { bavail, bsize } = statfsSync(options.directory);
  if (needed < bavail * bsize) return;
  throw new Error(
    `${name} needs ${formatBytes(needed)} in ${options.directory}, ${formatBytes(bavail * bsize)} are free: see --dir, --scale, --rounds`,
  );
}
