import { compareKeys } from '../../domain/object/key.ts';
import type { Scratch, ScratchRun } from '../../ports/scratch.ts';
import type { Listed, ListingPage } from '../../ports/storage.ts';

/** Objects kept in memory: some 30 MB of them. */
const OBJECTS_IN_MEMORY = 100_000;
const PAGE_OBJECTS = 1024;
/** Lines handed to a run at once. */
const LINES_AT_ONCE = 8192;

/**
 * The same listing in the byte order of its keys: in memory as far as it fits, else in sorted runs that are then merged.
 * What could not be listed is told as it comes, before the first object. A key that is listed twice counts as it was listed last.
 */
export async function* sortListing(
  pages: AsyncIterable<ListingPage>,
  scratch: Scratch,
  objectsInMemory = OBJECTS_IN_MEMORY,
): AsyncGenerator<ListingPage> {
  const runs: ScratchRun[] = [];
  let collected: Listed[] = [];
  for await (const { objects, failures, markers } of pages) {
    if (failures.length > 0 || markers > 0) yield { objects: [], failures, markers };
    for (const object of objects) {
      collected.push(object);
      if (collected.length < objectsInMemory) continue;
      runs.push(await writeRun(scratch, collected));
      collected = [];
    }
  }
  yield* inPages(lastOfEach(mergeRuns(runs, sortByKey(collected))));
}

/** Stable: of equal keys the one listed last stays last. */
function sortByKey(objects: Listed[]): Listed[] {
  return objects.sort((a, b) => compareKeys(a.key, b.key));
}

async function writeRun(scratch: Scratch, objects: Listed[]): Promise<ScratchRun> {
  const run = await scratch.openRun();
  const sorted = sortByKey(objects);
  for (let at = 0; at < sorted.length; at += LINES_AT_ONCE)
    await run.write(sorted.slice(at, at + LINES_AT_ONCE).map(encodeListed));
  return run;
}

/** JSON has no line feed of its own; times are beyond its numbers. */
function encodeListed({ key, size, token, modifiedNs }: Listed): string {
  return JSON.stringify([key, size, token, modifiedNs?.toString() ?? null]);
}

function decodeListed(line: string): Listed {
  const [key, size, token, modifiedNs] = JSON.parse(line) as [string, number, string, string | null];
  return { key, size, token, modifiedNs: modifiedNs === null ? undefined : BigInt(modifiedNs) };
}

/** One of the sorted streams; `order` is the order in which they were listed. */
interface Stream {
  readonly order: number;
  readonly rest: AsyncIterator<readonly Listed[]>;
  objects: readonly Listed[];
  at: number;
}

/** All objects of all streams in order; of equal keys the one listed first comes first. */
async function* mergeRuns(runs: readonly ScratchRun[], inMemory: readonly Listed[]): AsyncGenerator<Listed> {
  const heap: Stream[] = [];
  for (const [order, run] of runs.entries()) await begin(heap, order, blocksOf(run));
  await begin(heap, runs.length, once(inMemory));
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    yield first.objects[first.at] as Listed;
    if (++first.at >= first.objects.length && !(await fill(first))) {
      const last = heap.pop() as Stream;
      if (heap.length > 0) heap[0] = last;
    }
    sink(heap);
  }
}

async function begin(heap: Stream[], order: number, blocks: AsyncIterable<readonly Listed[]>): Promise<void> {
  const stream: Stream = { order, rest: blocks[Symbol.asyncIterator](), objects: [], at: 0 };
  if (!(await fill(stream))) return;
  heap.push(stream);
  for (let at = heap.length - 1; at > 0; ) {
    const above = (at - 1) >> 1;
    if (!isBefore(heap[at] as Stream, heap[above] as Stream)) return;
    swap(heap, at, above);
    at = above;
  }
}

async function fill(stream: Stream): Promise<boolean> {
  for (;;) {
    const step = await stream.rest.next();
    if (step.done === true) return false;
    stream.objects = step.value;
    stream.at = 0;
    if (step.value.length > 0) return true;
  }
}

function sink(heap: Stream[]): void {
  for (let at = 0; ; ) {
    let least = at;
    for (const below of [2 * at + 1, 2 * at + 2])
      if (below < heap.length && isBefore(heap[below] as Stream, heap[least] as Stream)) least = below;
    if (least === at) return;
    swap(heap, at, least);
    at = least;
  }
}

function isBefore(a: Stream, b: Stream): boolean {
  const order = compareKeys((a.objects[a.at] as Listed).key, (b.objects[b.at] as Listed).key);
  return order < 0 || (order === 0 && a.order < b.order);
}

function swap(heap: Stream[], a: number, b: number): void {
  [heap[a], heap[b]] = [heap[b] as Stream, heap[a] as Stream];
}

async function* blocksOf(run: ScratchRun): AsyncGenerator<readonly Listed[]> {
  for await (const lines of run.read()) yield lines.map(decodeListed);
}

async function* once(objects: readonly Listed[]): AsyncGenerator<readonly Listed[]> {
  yield objects;
}

async function* lastOfEach(objects: AsyncIterable<Listed>): AsyncGenerator<Listed> {
  let held: Listed | undefined;
  for await (const object of objects) {
    if (held !== undefined && held.key !== object.key) yield held;
    held = object;
  }
  if (held !== undefined) yield held;
}

async function* inPages(objects: AsyncIterable<Listed>): AsyncGenerator<ListingPage> {
  let page: Listed[] = [];
  for await (const object of objects) {
    if (page.push(object) < PAGE_OBJECTS) continue;
    yield { objects: page, failures: [], markers: 0 };
    page = [];
  }
  if (page.length > 0) yield { objects: page, failures: [], markers: 0 };
}
