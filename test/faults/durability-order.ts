import { dirname } from 'node:path';
import type { SystemCall } from './system-calls.ts';

export interface OrderFacts {
  readonly calls: readonly SystemCall[];
  /** Directories objects are published in. */
  readonly targets: readonly string[];
  /** The catalog's write-ahead log. */
  readonly log: string;
  /** The catalog knows the object's name before it is published: a write notes down what it is about to do. */
  readonly hasIntents: boolean;
  /** Found in the line that tells the caller it is done. */
  readonly reply: string;
}

export interface OrderReport {
  readonly published: number;
  /** Sentences; none is how it must be. */
  readonly breaches: readonly string[];
}

/**
 * Whether each object was made durable before it was told to be: all its bytes written → flushed → renamed → its directory
 * flushed, and the parents of directories that are new → committed (written to the log, the log flushed) → replied.
 * Flushes count from their beginning (what was written later may be missed) to their end.
 */
export function findOrderBreaches(facts: OrderFacts): OrderReport {
  const { calls } = facts;
  const breaches: string[] = [];
  const publications = calls.flatMap((call) => publication(call, facts) ?? []);
  const replies = calls.filter(
    (call) => isWrite(call) && call.args.startsWith('1<') && call.args.includes(facts.reply),
  );
  if (replies.length !== 1) breaches.push(`there were ${replies.length} replies`);
  for (const one of publications)
    breaches.push(...breachesOf(one, facts, replies[0]?.start ?? Number.POSITIVE_INFINITY));
  return { published: publications.length, breaches };
}

interface Publication {
  readonly call: SystemCall;
  readonly from: string;
  readonly to: string;
}

function publication(call: SystemCall, { calls, targets }: OrderFacts): Publication | undefined {
  if (!/^(?:rename|renameat|renameat2|link|linkat)$/.test(call.name) || call.result !== 0) return undefined;
  const [named, to] = quoted(call.args);
  if (named === undefined || to === undefined) return undefined;
  const from = unnamedSource(call, calls) ?? named;
  if (from === named && !from.includes('/.pando/staging/')) return undefined;
  const target = targets.find((one) => to.startsWith(`${one}/`));
  if (target === undefined || to.startsWith(`${target}/.pando/`)) return undefined;
  return { call, from, to };
}

/** The open file that is given its first name: by its descriptor, or by that descriptor in /proc. */
function unnamedSource(call: SystemCall, calls: readonly SystemCall[]): string | undefined {
  if (call.name !== 'linkat') return undefined;
  if (!call.args.startsWith('AT_FDCWD')) return fdPath(call.args);
  const fd = Number(/^AT_FDCWD[^"]*"\/proc\/self\/fd\/(\d+)"/.exec(call.args)?.[1] ?? Number.NaN);
  return calls.findLast((one) => one.end < call.start && one.name === 'openat' && one.result === fd)?.opened;
}

function breachesOf({ call, from, to }: Publication, facts: OrderFacts, replyStart: number): string[] {
  const { calls } = facts;
  const written = calls.filter((one) => changes(one, from));
  const lastWrite = Math.max(...written.map(({ end }) => end));
  if (written.length === 0) return [`${to}: nothing was seen to be written`];
  const flushed = calls.some((one) => isFlush(one, from) && one.start > lastWrite && one.end < call.start);
  if (!flushed) return [`${to}: its bytes were not flushed between the last write and the rename`];

  let durable = endOfFlush(calls, dirname(to), call.end);
  if (durable === undefined) return [`${to}: its directory was not flushed after the rename`];
  const made = calls.filter(
    (one) => one.name === 'mkdir' && one.result === 0 && to.startsWith(`${quoted(one.args)[0]}/`),
  );
  for (const directory of made) {
    const path = quoted(directory.args)[0] as string;
    const kept = endOfFlush(calls, dirname(path), directory.end);
    if (kept === undefined) return [`${to}: the new directory ${path} was not flushed into its parent`];
    durable = Math.max(durable, kept);
  }

  const name = to.slice(to.lastIndexOf('/') + 1);
  const noted = calls.filter((one) => isWrite(one) && fdPath(one.args) === facts.log && one.args.includes(name));
  if (!facts.hasIntents && noted.some(({ start }) => start < durable))
    return [`${to}: it was recorded before it was durable`];
  const record = noted.find(({ start }) => start > durable);
  if (record === undefined) return [`${to}: it was not recorded after it was durable`];
  const commit = endOfFlush(calls, facts.log, record.end);
  if (commit === undefined) return [`${to}: its record was not flushed`];
  return replyStart > commit ? [] : [`${to}: the caller was told before it was committed`];
}

/** End of the first flush that covers a path and began after `after`. */
function endOfFlush(calls: readonly SystemCall[], path: string, after: number): number | undefined {
  const flushes = calls.filter((one) => one.start > after && isFlush(one, path));
  return flushes.length === 0 ? undefined : Math.min(...flushes.map(({ end }) => end));
}

/** `syncfs` covers all of a file system; all that is traced lies on one. */
function isFlush({ name, args, result }: SystemCall, path: string): boolean {
  if (result !== 0) return false;
  return name === 'syncfs' || ((name === 'fsync' || name === 'fdatasync') && fdPath(args) === path);
}

function isWrite({ name }: SystemCall): boolean {
  return /^(?:p?writev?|pwrite64)$/.test(name);
}

function changes(call: SystemCall, path: string): boolean {
  if (call.name === 'openat') return /O_CREAT|O_TMPFILE/.test(call.args) && call.opened === path && call.result >= 0;
  if (isWrite(call) || call.name === 'ftruncate') return fdPath(call.args) === path;
  return (call.name === 'copy_file_range' || call.name === 'sendfile') && call.args.includes(`<${path}>`);
}

/** `45</a/path>, …` → `/a/path`. */
function fdPath(args: string): string | undefined {
  return /^\d+<(.*?)(?: \(deleted\))?>(?:\(deleted\))?(?:,|$)/.exec(args)?.[1];
}

function quoted(args: string): string[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text as string);
}
