import { closeSync, openSync } from 'node:fs';
import type { PlannedAction } from '../engine/sync/sync-types.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { demandOwnFile } from './demand-own-file.ts';
import { LineWriter } from './output.ts';

/** Where a dry run says what would be done. */
export interface Plan extends Disposable {
  readonly tell: (action: PlannedAction) => void;
  /** All that was told is written. */
  end(): void;
}

/** A dry run is told on stdout, or with `--plan` as JSON lines in a file; other runs are not. */
export function openPlan(dryRun: boolean, options: { readonly plan?: string; readonly json?: boolean }): Plan {
  if (!dryRun || (options.json === true && options.plan === undefined)) return NO_PLAN;
  const isFile = options.plan !== undefined && options.plan !== '-';
  if (isFile) demandOwnFile('--plan', options.plan);
  const descriptor = isFile ? openSync(options.plan, 'w') : process.stdout.fd;
  const lines = new LineWriter(descriptor, () => {
    if (isFile) closeSync(descriptor);
  });
  const show = options.plan === undefined ? describe : (action: PlannedAction) => JSON.stringify(action);
  return {
    tell: (action) => lines.write(show(action)),
    end: () => lines.flush(),
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
}

const NO_PLAN: Plan = { tell: () => undefined, end: () => undefined, [Symbol.dispose]: () => undefined };

function describe({ action, key, target, bytes }: PlannedAction): string {
  const size = action === 'delete' ? '' : `  (${formatBytesRoughly(bytes)})`;
  return `${action.padEnd(7)}  ${escapeKey(key)}  ${action === 'delete' ? 'at' : 'to'} ${target}${size}`;
}
