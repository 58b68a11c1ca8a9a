// npm run test:traps [-- FILTER…]: set-up, then every trap of test/traps/ in a copy of the sources: its defect is put back, and its
// tests have to notice. FILTER: a part of a trap's row, name or file. Ends with the line `N noticed, M not noticed`.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleCheckout } from './bundle.mjs';
import { environment, root, runQuietly, say, secondsSince, setUp, stop } from './setup.mjs';

const COPIED = [
  'src',
  'test',
  'bin',
  'scripts',
  'examples',
  'docs',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
const LANES_MAX = 2;
/** A defect may show as tests that never end. */
const TRAP_MS = 150_000;
const FILE_MS = 300_000;

const node = await setUp().catch(stop);
const traps = await chooseTraps(process.argv.slice(2)).catch(stop);
const scratch = mkdtempSync(join(tmpdir(), 'pando-traps-'));
// Servers that run as a user of their own must be able to enter.
chmodSync(scratch, 0o755);
const env = { ...environment(node), TMPDIR: scratch, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node') };
const running = new Set();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt);

try {
  process.exitCode = await run();
} catch (error) {
  say(error.stack);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}

async function run() {
  const lanes = Array.from({ length: Math.min(LANES_MAX, availableParallelism()) }, (_, i) => makeLane(i));
  const useless = await findUseless(lanes);
  const counts = { noticed: 0, 'NOT NOTICED': 0, BROKEN: 0 };
  await inLanes(lanes, traps.entries(), async (lane, [at, trap]) => {
    const start = Date.now();
    const why = useless.get(trap);
    const outcome = why === undefined ? await setTrap(lane, trap) : { kind: 'BROKEN', why };
    if (interrupted) return;
    counts[outcome.kind]++;
    const place = `${at + 1}/${traps.length}`.padStart(7);
    say(`${place}  ${outcome.kind.padEnd(11)}  ${trap.row}: ${trap.name} (${secondsSince(start)})`);
    if (outcome.why !== '') say(outcome.why.replace(/^/gm, '         '));
  });
  if (interrupted) return 130;
  if (counts.BROKEN > 0) say(`${counts.BROKEN} broken: their change or their tests have to be mended`);
  const left = counts['NOT NOTICED'] + counts.BROKEN;
  process.stdout.write(`${counts.noticed} noticed, ${left} not noticed\n`);
  return left === 0 ? 0 : 1;
}

/** The list is TypeScript, which only the Node of the set-up reads. */
async function chooseTraps(filters) {
  const list = pathToFileURL(join(root, 'test/traps/all-traps.ts')).href;
  const code = `import { TRAPS } from ${JSON.stringify(list)}; process.stdout.write(JSON.stringify(TRAPS));`;
  const told = await runQuietly(node, ['--input-type=module', '--eval', code]);
  if (told.status !== 0) throw new Error(`the list of traps cannot be read:\n${told.stderr}`);
  const all = JSON.parse(told.stdout);
  const isMeant = ({ row, name, file }) =>
    filters.some((filter) => [row, name, file].some((one) => one.includes(filter)));
  const chosen = filters.length === 0 ? all : all.filter(isMeant);
  if (chosen.length === 0) throw new Error(`no trap has ${filters.join(' or ')} in its row, name or file`);
  return chosen;
}

function makeLane(number) {
  const lane = join(scratch, `lane-${number}`);
  mkdirSync(lane);
  for (const name of COPIED) cpSync(join(root, name), join(lane, name), { recursive: true });
  // With a cache of its own, for its bundles.
  mkdirSync(join(lane, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(lane, 'node_modules', name));
  return lane;
}

/** Trap → why its tests prove nothing: one that fails anyway notices nothing, and neither does one that is not there. */
async function findUseless(lanes) {
  const start = Date.now();
  const files = new Map();
  for (const trap of traps) for (const test of trap.tests) files.set(test, [...(files.get(test) ?? []), trap]);
  say(`the tests of ${traps.length} traps as they are, in ${files.size} files:`);
  const useless = new Map();
  await inLanes(lanes, files, async (lane, [test, wanted]) => {
    const parts = wanted.map(({ only }) => only);
    const pattern = parts.includes(undefined) ? undefined : parts.map(escaped).join('|');
    const told = await vitest(lane, { tests: [test], pattern, bail: 0, limitMs: FILE_MS });
    if (interrupted) return;
    say(`${told.seconds.padStart(9)}  ${test}`);
    const isBroken = told.status !== 0 && told.failed.length === 0;
    for (const trap of wanted) {
      const isMeant = ({ name }) => name.includes(trap.only ?? '');
      if (isBroken) useless.set(trap, told.output);
      else if (told.failed.some(isMeant)) useless.set(trap, `${test} fails as it is`);
      else if (!told.passed.some(isMeant)) useless.set(trap, `no test of ${test} is called ${trap.only ?? ''}`);
    }
  });
  if (!interrupted) say(`${secondsSince(start).padStart(9)}  in all`);
  return useless;
}

/** Each lane takes the next of what waits as soon as it is free. */
async function inLanes(lanes, items, act) {
  const waiting = [...items];
  const work = async (lane) => {
    for (let next = waiting.shift(); next !== undefined && !interrupted; next = waiting.shift()) await act(lane, next);
  };
  await Promise.all(lanes.map(work));
}

/** Puts one defect back, runs its tests, and takes it out again. */
async function setTrap(lane, { file, find, replace, tests, only }) {
  const path = join(lane, file);
  const text = readFileSync(path, 'utf8');
  const parts = text.split(find);
  if (parts.length !== 2)
    return { kind: 'BROKEN', why: `${file} has the text to be changed ${parts.length - 1} times` };
  writeFileSync(path, parts.join(replace));
  try {
    const pattern = only === undefined ? undefined : escaped(only);
    const told = await vitest(lane, { tests, pattern, bail: 1, limitMs: TRAP_MS });
    if (told.isHung) return { kind: 'noticed', why: 'its tests did not end' };
    if (told.failed.length > 0) return { kind: 'noticed', why: '' };
    if (told.brokenFiles > 0) return { kind: 'BROKEN', why: told.output };
    return told.status === 0
      ? { kind: 'NOT NOTICED', why: `${file}, by ${tests.join(', ')}` }
      : { kind: 'noticed', why: '' };
  } finally {
    writeFileSync(path, text);
  }
}

async function vitest(lane, { tests, pattern, bail, limitMs }) {
  const start = Date.now();
  // Commands start in a third of the time; what cannot be bundled is run as it is, and says what is wrong with it.
  if (tests.some((test) => test.startsWith('test/cli/'))) await bundleCheckout(lane);
  const report = join(lane, 'report.json');
  rmSync(report, { force: true });
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=json',
    `--outputFile.json=${report}`,
    '--reporter=default',
    '--maxWorkers=1',
    `--bail=${bail}`,
    ...(pattern === undefined ? [] : ['--testNamePattern', pattern]),
    ...tests,
  ];
  const ended = await spawnHere(args, lane, limitMs);
  const results = readReport(report);
  const all = results.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ file: name.slice(lane.length + 1), name: fullName, status })),
  );
  return {
    ...ended,
    seconds: secondsSince(start),
    passed: all.filter(({ status }) => status === 'passed'),
    failed: all.filter(({ status }) => status === 'failed'),
    brokenFiles: results.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
      .length,
  };
}

function spawnHere(args, cwd, limitMs) {
  return new Promise((done) => {
    // A group of its own, which ends as a whole.
    const child = spawn(node, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    let output = '';
    let isHung = false;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output = `${output}${text}`.slice(-4000)));
    const limit = setTimeout(() => {
      isHung = true;
      endGroup(child);
    }, limitMs);
    child.once('close', (status) => {
      clearTimeout(limit);
      running.delete(child);
      done({ status, output, isHung });
    });
  });
}

function endGroup({ pid }) {
  for (const [signal, afterMs] of [
    ['SIGTERM', 0],
    ['SIGKILL', 3000],
  ]) {
    setTimeout(() => {
      try {
        process.kill(-pid, signal);
      } catch {
        // It has ended.
      }
    }, afterMs).unref();
  }
}

function interrupt() {
  interrupted = true;
  for (const child of running) endGroup(child);
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).testResults;
  } catch {
    return [];
  }
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
