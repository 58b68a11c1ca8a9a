import type { VerifiedTrees } from '../../client/verify-trees.ts';
import type { SyncFailure, SyncResult } from '../../engine/sync/sync-types.ts';
import type { Output } from '../output.ts';
import { reasonOf } from '../sync-report.ts';

const SHOWN = 10;

/** What the source has and cannot be mirrored: the demonstration goes on without it. [] where something else failed, too. */
export function leftOutOf({ failures, targets }: SyncResult): readonly SyncFailure[] {
  const isWhole = targets.every(({ failed, gaveUp }) => failed === 0 && gaveUp === undefined);
  const isOfSource = failures.every(({ key, target }) => key !== '' && target === undefined);
  return isWhole && isOfSource ? failures : [];
}

export function syncedWithout(result: SyncResult, leftOut: readonly SyncFailure[]): SyncResult {
  if (leftOut.length === 0) return result;
  return { ...result, source: { ...result.source, failed: 0 }, failures: [] };
}

export function verifiedWithout(result: VerifiedTrees, leftOut: readonly SyncFailure[]): VerifiedTrees {
  const keys = new Set(leftOut.map(({ key }) => key));
  const findings = result.findings.filter(
    ({ kind, target, key }) => kind !== 'unreadable' || target !== undefined || !keys.has(key),
  );
  const known = result.findings.length - findings.length;
  const source = { ...result.source, unreadable: result.source.unreadable - known };
  return { ...result, source, findings, unrepaired: result.unrepaired - known };
}

export function printLeftOut(output: Output, leftOut: readonly SyncFailure[]): void {
  if (leftOut.length === 0) return;
  output.print('');
  output.print('Left out, because it cannot be mirrored as it is (docs/sync.md says what a sync can do about it):');
  for (const { key, message } of leftOut.slice(0, SHOWN)) output.print(`  ${key}: ${reasonOf(key, message)}`);
  if (leftOut.length > SHOWN) output.print(`  … and ${leftOut.length - SHOWN} more`);
}
