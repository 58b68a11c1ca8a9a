import { formatDuration } from '../config/quantity.ts';
import type { RuleDetails } from '../client/rules.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import type { RuleRecord } from '../ports/rules.ts';
import { counted, describeMoment, describeNext } from './describe-time.ts';
import type { Invocation } from './invocation.ts';
import { describeTargets } from './rule-list.ts';
import { renderTable } from './table.ts';

/** So many targets are told by name. */
const TARGETS_SHOWN = 20;

export function ruleToJson({ rule, stores, stuck, replacedBy, leftMs }: RuleDetails) {
  return {
    ...rule,
    stores,
    stuck: stuck.map(({ scope, name, store, lock, request }) => ({
      object: formatObjectName({ scope, name }),
      store,
      ...lock,
      request,
    })),
    replacedBy,
    leftMs,
  };
}

export async function printRule(cli: Invocation, details: RuleDetails): Promise<void> {
  const { output } = cli;
  const nowMs = (await cli.pando()).clock.nowMs();
  const { rule, stuck } = details;
  for (const [label, value] of linesOf(details, nowMs)) if (value !== undefined) output.print(`${label}: ${value}`);
  if (stuck.length === 0) return;
  output.print();
  const rows = stuck.map(({ scope, name, store, lock }) => [
    escapeKey(formatObjectName({ scope, name })),
    store,
    lock.state === 'STUCK' ? lock.reason.detail : '',
    lock.state === 'STUCK' ? describeNext(lock.retryMs, nowMs) : '',
  ]);
  const headings = ['stuck', 'at', 'because', 'tried again'];
  output.print(await renderTable(headings, rows, headings));
  const more = rule.counts.stuck - stuck.length;
  if (more > 0) output.note(`… and ${more} more`);
  output.note(`  pando explain ${rule.id} sums up why`);
}

function linesOf({ rule, stores, replacedBy, leftMs }: RuleDetails, nowMs: number): [string, string | undefined][] {
  const { id, state, copies, expression, account, origin, counts, missingCopies, missingWhy, nextLookMs } = rule;
  const named = stores.length === 0 ? 'none now' : stores.join(', ');
  const missing = missingCopies === 0 ? '' : `, ${counted(missingCopies, 'copy', 'copies')} without a place`;
  return [
    ['rule', `${id}, ${state}`],
    ['of', describeTargets(rule, TARGETS_SHOWN)],
    ['copies', `${copies}, grouped by ${rule.grouping}`],
    ['at', `${expression} (${named})`],
    ['from', rule.sourceExpression],
    ['account', `${account}${origin === 'asked' ? '' : ` (${origin})`}`],
    ['copies there', `${counts.ok}, ${counts.replicating} on the way, ${counts.stuck} stuck${missing}`],
    ['left', leftMs === undefined ? undefined : `about ${formatDuration(roundMs(leftMs))}, at its pace until now`],
    ['missing', missingCopies === 0 ? undefined : missingWhy],
    ['looked at again', nextLookMs === undefined ? undefined : describeNext(nextLookMs, nowMs)],
    ['is', describeFlags(rule)],
    ['prefers', listed(rule.preferred)],
    ['blocks', listed(rule.blocked)],
    ['weight', rule.weight],
    ['fail together', rule.domainAttribute === undefined ? undefined : `stores of one ${rule.domainAttribute}`],
    ['activity', `${rule.activity}, priority ${rule.priority}`],
    ['comment', rule.comment],
    ['tells', rule.notify === 'none' ? undefined : rule.notify],
    ['since', describeMoment(rule.createdMs)],
    ['ends', rule.expiresMs === undefined ? undefined : describeNext(rule.expiresMs, nowMs)],
    ['replaces', rule.replaces === undefined ? undefined : `rule ${rule.replaces}, once it is OK`],
    ['is replaced by', replacedBy === undefined ? undefined : `rule ${replacedBy}, once that is OK`],
  ];
}

function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(', ');
}

function describeFlags({ isLocked, purge, ignoreAvailability }: RuleRecord): string | undefined {
  const flags = [
    ...(isLocked ? ['locked: it does not end'] : []),
    ...(purge ? ['to purge: its copies go at once when it ends'] : []),
    ...(ignoreAvailability ? ['waiting for stores that take no writes now'] : []),
  ];
  return listed(flags);
}

function roundMs(ms: number): number {
  const step = ms > 3_600_000 ? 60_000 : 1_000;
  return Math.max(step, Math.round(ms / step) * step);
}
