import { describeDataset } from './dataset.ts';
import type { Machine } from './machine.ts';
import type { Goal } from './rows.ts';
import type { RowResult } from './run-row.ts';
import { ratiosOf, type Spread, spreadOf } from './statistics.ts';

export interface GoalResult {
  readonly of: string;
  /** The fastest of those it is measured against, by its median. */
  readonly against: string;
  readonly ratios: Spread;
  readonly atLeast: number | undefined;
  readonly reachFor: number | undefined;
}

export function describeMachineLines(machine: Machine, rounds: number): string {
  const { processor, cores, memoryGiB, kernel, fileSystem, load, sha256, versions } = machine;
  return [
    `machine     ${cores} × ${processor}, ${memoryGiB} GiB, ${kernel}, load ${load.toFixed(1)} before`,
    `sha256      ${sha256} MB/s on one core`,
    `disk        ${fileSystem}`,
    `versions    ${versions.join(' · ')}`,
    `method      ${rounds} rounds, everybody once a round, another one first each time; the source warm in the page cache; the file`,
    '            system flushed before each run; each run into a new place; names and sizes compared after each run',
  ].join('\n');
}

export function describeRow(result: RowResult): string {
  const { row, seconds, failures } = result;
  const lines = row.contestants.map(({ name, durable, verified }) => {
    const times = seconds.get(name);
    if (times === undefined) return [name, failures.get(name) ?? 'did not run'];
    const { median, min, max } = spreadOf(times);
    const copies = row.target === 'two directories' ? 2 : 1;
    const objects = row.dataset.files * copies;
    const numbers = [median.toFixed(3), `${min.toFixed(3)}–${max.toFixed(3)}`, formatRate(objects / median)];
    // Where nothing is copied, nothing becomes durable, and the row's title says what is looked at.
    if (row.isRepeated) return [name, ...numbers];
    return [name, ...numbers, formatRate((objects * row.dataset.fileBytes) / median / 1e6), durable, verified];
  });
  const copied = row.isRepeated ? [] : ['MB/s', 'durable', 'verified'];
  const head = ['', 'median s', 'min–max', 'objects/s', ...copied];
  const goals = goalsOf(result).map(describeGoal);
  return [`\n── ${row.name}: ${describeDataset(row.dataset)} ${row.title}`, table([head, ...lines]), ...goals].join(
    '\n',
  );
}

export function goalsOf({ row, seconds }: RowResult): GoalResult[] {
  return row.goals.flatMap((goal) => {
    const ours = seconds.get(goal.of.name);
    const against = fastest(goal, seconds);
    if (ours === undefined || against === undefined) return [];
    const { atLeast, reachFor } = goal;
    return [{ of: goal.of.name, against: against.name, ratios: ratiosOf(ours, against.times), atLeast, reachFor }];
  });
}

function fastest(goal: Goal, seconds: RowResult['seconds']) {
  return goal.against
    .flatMap(({ name }) => {
      const times = seconds.get(name);
      return times === undefined ? [] : [{ name, times, median: spreadOf(times).median }];
    })
    .sort((a, b) => a.median - b.median)[0];
}

function describeGoal({ of, against, ratios, atLeast, reachFor }: GoalResult): string {
  const measured = `${of} is ${ratios.median.toFixed(2)}× ${against} (${ratios.min.toFixed(2)}–${ratios.max.toFixed(2)})`;
  const demands = [
    ...(atLeast === undefined ? [] : [`at least ${atLeast}: ${ratios.median >= atLeast ? 'met' : 'MISSED'}`]),
    ...(reachFor === undefined ? [] : [`reach for ${reachFor}: ${ratios.median >= reachFor ? 'met' : 'not yet'}`]),
  ];
  return `   ${measured}   ${demands.join(', ')}`;
}

function formatRate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
}

function table(lines: readonly (readonly string[])[]): string {
  // A line with two cells says why there are no numbers; it does not widen a column.
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line.length === 2 && column === 1 ? 0 : (line[column]?.length ?? 0)))),
  );
  return lines
    .map((line) => {
      const cells = line.map((cell, column) => {
        const isNumber = column >= 1 && column <= 4 && line.length > 2;
        return isNumber ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
      });
      return `   ${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}
