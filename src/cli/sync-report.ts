import { formatBytesRoughly } from '../config/quantity.ts';
import { countOf } from '../domain/count-of.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { SyncFailure, SyncResult, SyncTargetResult } from '../engine/sync/sync-types.ts';
import { adviseOnFailures } from './failure-advice.ts';
import type { Output } from './output.ts';
import { renderTable } from './table.ts';

const FAILURES_SHOWN = 20;

/** A sync's result for people: a row per target, what the level means, what failed, and what to do about it. */
export async function printSyncResult(output: Output, result: SyncResult): Promise<void> {
  const { source, targets, dryRun, seconds, resumed } = result;
  if (dryRun && targets.some(({ added, updated, deleted }) => added + updated + deleted > 0)) output.print('');
  const headings = ['target', 'added', 'updated', 'deleted', 'unchanged', 'failed', 'bytes', 'verified'];
  const rows = targets.map((target) => [
    target.title,
    target.added,
    target.updated,
    target.deleted,
    target.unchanged,
    target.failed,
    formatBytesRoughly(target.bytes),
    target.verification ?? '–',
  ]);
  if (rows.length > 0) {
    output.print(await renderTable(headings, rows, ['target', 'verified']));
    output.print('');
  }
  output.print(describeSource(source, seconds));
  if (rows.length === 0) {
    const are = dryRun ? 'would be made known' : 'are known from now on';
    const changed = dryRun ? 'may have changed, and would be read' : 'had changed, and are known as they are now';
    const more = source.changed === 0 ? '' : ` ${source.changed} ${changed}.`;
    output.print(
      `No replicas are listed for it, so nothing is copied. ${source.registered} of its objects were new, and ${are}.${more}`,
    );
  }
  for (const target of targets) if (result.state !== 'refused') printUnmatched(output, target);
  if (resumed !== undefined)
    output.print(`Went on where the sync of ${new Date(resumed.startedMs).toISOString()} was interrupted.`);
  for (const level of new Set(targets.flatMap(({ verification }) => verification ?? [])))
    output.print(`${level}: ${MEANING[level]}.`);
  if (dryRun) output.print('Dry run: nothing was written.');
  printFailures(output, result.failures, [source.failed, ...targets.map(({ failed }) => failed)]);
  if (result.refusal !== undefined) output.complain(`refused: ${result.refusal}`);
  if (result.state === 'interrupted')
    output.complain('interrupted: what was copied stays; run the same command again, and it goes on from here');
}

function printUnmatched(output: Output, { title, unmatched, deleted, heldBack }: SyncTargetResult): void {
  if (heldBack > 0) {
    const why = 'the listing of the source was not complete there, as its failures tell';
    output.print(`${title} has ${heldBack} that the source did not show; nothing of that was deleted, because ${why}.`);
  }
  const left = unmatched - deleted - heldBack;
  if (left > 0) output.print(`${title} has ${left} that the source has not; they were left alone.`);
}

/** What a level of verification says of the copies (docs/replicas.md, "Verified"). */
const MEANING: Readonly<Record<Verification, string>> = {
  none: 'only seen in a listing, never read',
  written: 'what was written hashes to what was read, and the store confirmed the length',
  store: 'the store itself checked a digest of what it was given',
  'read-back': 'read again from the store, and equal',
};

function describeSource({ objects, bytes, hidden, excluded, markers }: SyncResult['source'], seconds: number): string {
  const apart = [
    excluded > 0 ? `${excluded} excluded` : undefined,
    hidden > 0 ? `${hidden} hidden ones left out` : undefined,
    markers > 0 ? `${countOf(markers, 'directory marker')} not copied` : undefined,
  ].filter((part) => part !== undefined);
  const more = apart.length === 0 ? '' : ` (${apart.join(', ')})`;
  return `${countOf(objects, 'object')}, ${formatBytesRoughly(bytes)} at the source${more}, in ${seconds.toFixed(1)} s.`;
}

/** The reason alone, where it begins with the name that stands before it. */
export function reasonOf(key: string, message: string): string {
  return key !== '' && message.startsWith(`${key}: `) ? message.slice(key.length + 2) : message;
}

function printFailures(output: Output, failures: readonly SyncFailure[], counts: readonly number[]): void {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return;
  output.print('');
  output.print(total === 1 ? 'One failure:' : `${total} failures:`);
  for (const { key, target, message } of failures.slice(0, FAILURES_SHOWN)) {
    const where = [key, target === undefined ? 'at the source' : `at ${target}`].filter((part) => part !== '');
    output.print(`  ${where.join(' ')}: ${reasonOf(key, reasonOf(target ?? '', message))}`);
  }
  if (total > FAILURES_SHOWN) output.print(`  … and ${total - FAILURES_SHOWN} more; all of them with --json`);
  // A target that was given up as a whole says itself what to do.
  const kinds = failures.flatMap(({ key, kind }) => (key === '' ? [] : kind));
  for (const advice of adviseOnFailures(kinds)) output.print(advice);
}
