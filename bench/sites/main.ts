// npm run bench -- sites [small-8] [small-64] [lag] [medium] [large] [catch-up] [--rounds N] [--without-rgw] [--dir DIR]: what is written
// at one site until it is at the other: two servers of Pando, two zones of Ceph's gateway, and what the machine allows, in turns.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { measureHttpLimit, type Transfer } from './limits.ts';
import { catchUp, catchUpDeletes, measureLag, type Objects, writeAndFollow } from './load.ts';
import { startPandoPair } from './pando-pair.ts';
import type { Load } from './put-connection.ts';
import { startRgwPair } from './rgw-pair.ts';
import type { SitePair } from './site-pair.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    'without-rgw': { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
});
const launcher = process.env['PANDO_BENCH_LAUNCHER'];
if (launcher === undefined) throw new Error(process.env['PANDO_BENCH_MISSING'] ?? 'run through npm run bench');

const KIB: Load = { bytes: Buffer.alloc(4096, 'pando'), times: 1 };
const MIB: Load = { bytes: Buffer.alloc(1 << 20, 'pando'), times: 1 };
const GIB: Load = { bytes: MIB.bytes, times: 1024 };
const MEDIUM: Transfer = { bytes: 1 << 20, count: 150, lanes: 4 };
const LARGE: Transfer = { bytes: 2 ** 30, count: 1, lanes: 1 };

/** Whose figures are those of bare processes. */
const LIMIT = 'limit';

/** What is asked of it, and of its ratio to the other sites: of times a bound from above. */
interface Asked {
  readonly value: number;
  readonly ratio?: number;
}

const ASKED: Readonly<Record<string, Asked>> = {
  '4 KiB, 8 writers: objects/s, written at A and present at B': { value: 1_500, ratio: 10 },
  '4 KiB, 64 writers: objects/s, written at A and present at B': { value: 1_500, ratio: 10 },
  'lag at 10 objects/s, p50: ms': { value: 20 },
  'lag at 10 objects/s, p99: ms': { value: 100 },
  '1 MiB, 4 writers: MB/s, site to site': { value: 150, ratio: 3 },
  '1 GiB: MB/s, site to site, from the answer of A': { value: 250 },
  'B restarted: seconds to its first object': { value: 2 },
  'B restarted: 4 KiB objects/s from then on': { value: 3_000 },
  'entries without bytes (deletes): entries/s, A to B': { value: 10_000 },
};

/** What was measured, by what it is and whose. */
const figures = new Map<string, Map<string, number[]>>();

interface Row {
  readonly name: string;
  /** `round` makes its keys its own. */
  run(pair: SitePair, round: number): Promise<void>;
}

const rows: readonly Row[] = [
  ...[8, 64].map((writers) => ({
    name: `small-${writers}`,
    run: async (pair: SitePair, round: number) => {
      const count = 3_000;
      const objects = { prefix: `small-${writers}-${round}-`, count, load: KIB, writers };
      const { seconds, putSeconds } = await writeAndFollow(pair, objects);
      note(`4 KiB, ${writers} writers: objects/s, written at A and present at B`, pair.name, count / seconds);
      note(`4 KiB, ${writers} writers: objects/s, written at A`, pair.name, count / putSeconds);
    },
  })),
  {
    name: 'lag',
    run: async (pair, round) => {
      const lags = await measureLag(pair, { prefix: `lag-${round}-`, count: 1_000, load: KIB, writers: 1 }, 10);
      for (const [name, at] of [
        ['p50', 500],
        ['p99', 990],
        ['worst', 999],
      ] as const)
        note(`lag at 10 objects/s, ${name}: ms`, pair.name, lags[at] ?? Number.NaN);
    },
  },
  {
    name: 'medium',
    run: async (pair, round) => {
      const { count, lanes } = MEDIUM;
      const objects = { prefix: `medium-${round}-`, count, load: MIB, writers: lanes };
      const { seconds } = await writeAndFollow(pair, objects);
      note('1 MiB, 4 writers: MB/s, site to site', pair.name, (count * MEDIUM.bytes) / 1e6 / seconds);
    },
  },
  {
    name: 'large',
    run: async (pair, round) => {
      // A zone keeps its objects in memory here, and has room for few of these.
      if (pair.name !== 'pando') return;
      const { seconds, putSeconds } = await writeAndFollow(pair, {
        prefix: `large-${round}-`,
        count: 1,
        load: GIB,
        writers: 1,
      });
      note('1 GiB: MB/s, from the first byte at A until it is at B', pair.name, 2 ** 30 / 1e6 / seconds);
      note('1 GiB: MB/s, site to site, from the answer of A', pair.name, 2 ** 30 / 1e6 / (seconds - putSeconds));
    },
  },
  {
    name: 'catch-up',
    run: async (pair, round) => {
      const objects: Objects = {
        prefix: `late-${round}-`,
        count: pair.name === 'pando' ? 20_000 : 2_000,
        load: KIB,
        writers: 16,
      };
      const { firstSeconds, perSecond } = await catchUp(pair, objects);
      note('B restarted: seconds to its first object', pair.name, firstSeconds);
      note('B restarted: 4 KiB objects/s from then on', pair.name, perSecond);
      if (pair.name === 'pando')
        note('entries without bytes (deletes): entries/s, A to B', pair.name, await catchUpDeletes(pair, objects));
    },
  },
];

const chosen = rows.filter(({ name }) => positionals.length === 0 || positionals.some((one) => name.startsWith(one)));
const directory = mkdtempSync(join(values.dir, 'pando-bench-sites-'));
try {
  const { processor, cores, fileSystem, sha256 } = describeMachine(directory);
  say(
    `${cores} × ${processor}, sha256 ${sha256} MB/s, ${fileSystem}, node ${process.version}; clients and sites share it`,
  );
  for (let round = 1; round <= Number(values.rounds); round++) {
    if (!values['without-rgw']) await runAll(() => startRgwPair(), round);
    await runAll(() => startPandoPair(launcher, directory), round);
    if (has('medium')) note('1 MiB, 4 writers: MB/s, site to site', LIMIT, await measureHttpLimit(directory, MEDIUM));
    if (has('large'))
      note('1 GiB: MB/s, site to site, from the answer of A', LIMIT, await measureHttpLimit(directory, LARGE));
  }
  report();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function runAll(start: () => Promise<SitePair>, round: number): Promise<void> {
  await using pair = await start();
  // Both have done everything once before anything is measured.
  await writeAndFollow(pair, { prefix: 'warm-', count: 200, load: KIB, writers: 8 });
  for (const row of chosen) await row.run(pair, round);
}

function note(what: string, whose: string, value: number): void {
  const of = figures.get(what) ?? new Map<string, number[]>();
  figures.set(what, of.set(whose, [...(of.get(whose) ?? []), value]));
  process.stderr.write(`${whose}: ${what}: ${format(value)}\n`);
}

function report(): void {
  for (const [what, of] of figures) {
    say(`\n── ${what}`);
    const ours = of.get('pando');
    const asked = ASKED[what];
    for (const [whose, numbers] of of) {
      const { median, min, max } = spreadOf(numbers);
      const verdict = whose === 'pando' ? judge(what, median, asked) : compare({ what, ours, median, whose, asked });
      say(`   ${whose.padEnd(14)}${format(median).padStart(10)}  (${format(min)}–${format(max)})${verdict}`);
    }
  }
}

/** Less of it is better. */
function isTime(what: string): boolean {
  return /: (?:ms|seconds)\b/.test(what);
}

function judge(what: string, median: number, asked: Asked | undefined): string {
  if (asked === undefined) return '';
  const isMet = isTime(what) ? median <= asked.value : median >= asked.value;
  const bound = isTime(what) ? 'at most' : 'at least';
  return `   ${bound} ${asked.value.toLocaleString('en')}: ${isMet ? 'met' : 'MISSED'}`;
}

interface Compared {
  readonly what: string;
  readonly ours: readonly number[] | undefined;
  readonly median: number;
  readonly whose: string;
  readonly asked: Asked | undefined;
}

function compare({ what, ours, median, whose, asked }: Compared): string {
  if (ours === undefined) return '';
  const own = spreadOf(ours).median;
  const ratio = isTime(what) ? median / own : own / median;
  const text = `   pando is ${ratio.toFixed(2)}×`;
  if (asked?.ratio === undefined || whose === LIMIT) return text;
  return `${text}, at least ${asked.ratio}: ${ratio >= asked.ratio ? 'met' : 'MISSED'}`;
}

function has(name: string): boolean {
  return chosen.some((row) => row.name === name);
}

function format(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
