import { formatBytesRoughly } from '../config/quantity.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import type {
  CopyExplained,
  ObjectExplanation,
  RuleExplained,
  RuleExplanation,
  StoreReason,
} from '../engine/explain/explanation.ts';
import type { AttemptRecord } from '../ports/rules.ts';
import { formatClock } from './describe-progress.ts';
import { counted, describeMoment, describeNext } from './describe-time.ts';
import type { Invocation } from './invocation.ts';
import { describeCounts, describeTargets } from './rule-list.ts';
import { renderTable } from './table.ts';

/** The last attempts are told: what was tried long ago explains nothing any more. */
const ATTEMPTS_SHOWN = 5;

/** One screen: what it is, where it is and why, what is missing and why, what happens next. */
export async function printObjectExplanation(
  { output }: Invocation,
  explained: ObjectExplanation,
  nowMs: number,
): Promise<void> {
  const { isDeleted, isLost, earlier, size, replicas, rules, copies } = explained;
  const name = escapeKey(formatObjectName(explained));
  output.print(`${name}${size === undefined ? '' : `, ${formatBytesRoughly(size)}`}`);
  output.print(summaryOf(explained));
  if (earlier !== undefined)
    output.print(`What is read is an older version, ${earlier}: no store has had the newest yet.`);
  if (isLost) output.print('It comes back by itself when a copy reappears: put it again, or bring a store back.');
  if (replicas.length > 0) {
    output.print();
    const isMarked = replicas.some(({ storeMarks }) => storeMarks.length > 0);
    const rows = replicas.map(({ store, state, isSoft, isCurrent, verification, because, storeMarks }) => [
      store,
      isSoft ? `${state} (soft)` : state,
      isCurrent ? verification : 'older version',
      because.join(', '),
      ...(isMarked ? [storeMarks.join(', ')] : []),
    ]);
    const headings = ['copy at', 'state', 'verified', 'it is there for', ...(isMarked ? ['its store'] : [])];
    output.print(await renderTable(headings, rows, headings));
  }
  const unreadable = new Map(
    replicas.flatMap(({ store, unreadable: why }) => (why === undefined ? [] : [[store, why]])),
  );
  if (unreadable.size > 0) output.print();
  for (const [store, why] of unreadable) output.print(`${store}: ${why}`);
  printDoubts(output, replicas);
  if (isDeleted) return;
  for (const rule of rules) printRuleLine(output, rule, nowMs);
  for (const copy of copies) printCopy(output, copy, nowMs);
}

/** Where no copy counts, and some may turn out right: nothing reads those by itself. */
function printDoubts(output: Printer, replicas: ObjectExplanation['replicas']): void {
  const current = replicas.filter(({ isCurrent }) => isCurrent);
  if (current.some(({ state }) => state === 'AVAILABLE' || state === 'UNVERIFIED')) return;
  const audits = current.filter(({ state }) => state === 'SUSPICIOUS').map(({ store }) => `pando audit ${store}`);
  if (audits.length > 0) output.print(`→ ${audits.join(', ')} reads what is in doubt, and says whether it is good`);
}

function summaryOf({ isDeleted, isLost, replicas, rules, copies }: ObjectExplanation): string {
  if (isDeleted) return replicas.length === 0 ? 'It was deleted.' : 'It was deleted; its copies are on their way out.';
  if (isLost) return 'LOST: no copy is left that could be good.';
  const there = replicas.filter(({ state, isCurrent }) => isCurrent && state === 'AVAILABLE').length;
  const seen = replicas.filter(({ state, isCurrent }) => isCurrent && state === 'UNVERIFIED').length;
  const unread = replicas.filter(({ isCurrent, unreadable }) => isCurrent && unreadable !== undefined).length;
  const lacking = rules.filter(({ why }) => why !== undefined).length;
  const parts = [
    ...(there > 0 || seen === 0 ? [counted(there, 'copy is there', 'copies are there')] : []),
    ...(seen > 0 ? [`${counted(seen, 'copy was', 'copies were')} seen and not verified yet`] : []),
    ...(unread > 0 ? [`${unread} of them cannot be read now`] : []),
    ...(copies.length > 0 ? [`${copies.length} ${copies.length === 1 ? 'is' : 'are'} asked for`] : []),
    ...(lacking > 0
      ? [`${counted(lacking, 'rule')} cannot have what ${lacking === 1 ? 'it asks' : 'they ask'} for yet`]
      : []),
  ];
  return `${parts.join(', ')}.${copies.length + lacking === 0 && there + seen > 0 ? ' Nothing is missing.' : ''}`;
}

type Printer = Pick<Invocation['output'], 'print'>;

/** Words under words: what a thing is, then what is said about it. */
function printFacts(output: Printer, facts: readonly (readonly [label: string, text: string | undefined])[]): void {
  for (const [label, text] of facts) if (text !== undefined) output.print(`  ${label.padEnd(9)} ${text}`);
}

function printRuleLine(output: Printer, { rule, why, nextMs, rejected }: RuleExplained, nowMs: number): void {
  const { id, state, copies, expression, account, origin } = rule;
  output.print();
  const whose = origin === 'asked' ? account : `${account}, ${origin}`;
  output.print(`rule ${id} (${whose}): ${counted(copies, 'copy', 'copies')} at ${expression}: ${state}`);
  printFacts(output, [
    ['why', why],
    ['next look', nextMs === undefined ? undefined : describeNext(nextMs, nowMs)],
    ...rejected.map(({ store, why: reason }, at) => [at === 0 ? 'not at' : '', `${store}: ${reason}`] as const),
  ]);
}

function printCopy(output: Printer, copy: CopyExplained, nowMs: number): void {
  const { store, rules, lock, request, why, nextMs, stuckMs, sources, rejected, attempts } = copy;
  output.print();
  const whose = rules.length === 0 ? 'its profile' : rules.map((rule) => `rule ${rule}`).join(', ');
  const state = lock === 'STUCK' ? 'STUCK' : (request?.state ?? lock ?? '');
  output.print(`copy to ${store} (${whose}${request === undefined ? '' : `, request ${request.id}`}): ${state}`);
  printFacts(output, [
    ['why', why],
    ['next try', nextMs === undefined ? undefined : describeNext(nextMs, nowMs)],
    ['stuck', lock === 'STUCK' || stuckMs > 0 ? `${formatClock(stuckMs / 1000)} in all` : undefined],
    ...numbered(sources),
    ...rejected.map(({ store: name, why: reason }, at) => [at === 0 ? 'not from' : '', `${name}: ${reason}`] as const),
    ...attempts
      .slice(-ATTEMPTS_SHOWN)
      .map((attempt, at) => [at === 0 ? 'attempts' : '', describeAttempt(attempt, why)] as const),
  ]);
}

function numbered(sources: readonly StoreReason[]): readonly (readonly [string, string])[] {
  return sources.map(({ store, why }, at) => [at === 0 ? 'from' : '', `${at + 1}. ${store}: ${why}`] as const);
}

/** What stands above already is not told again. */
function describeAttempt({ atMs, source, protocol, outcome, error, isEarlier }: AttemptRecord, told: string): string {
  const way = source === undefined ? '' : ` from ${source}${protocol === undefined ? '' : ` by ${protocol}`}`;
  const why = error === undefined || told.endsWith(error) ? '' : `: ${error}`;
  return `${describeMoment(atMs)}${way}, ${outcome}${isEarlier ? ' (an earlier turn)' : ''}${why}`;
}

export async function printRuleExplanation(
  { output }: Invocation,
  explained: RuleExplanation,
  nowMs: number,
): Promise<void> {
  const { rule, waiting, isPartial, why } = explained;
  output.print(`rule ${rule.id} is about ${describeTargets(rule)}; ${describeCounts(rule)} copies are there.`);
  printRuleLine(output, explained, nowMs);
  if (waiting.length === 0) {
    if (why === undefined) output.print(rule.state === 'OK' ? '  Nothing is missing.' : '');
    return;
  }
  output.print();
  const rows = waiting.map((one) => [
    one.count,
    one.store,
    one.lock,
    one.lock === 'STUCK' || one.stuckMs > 0 ? formatClock(one.stuckMs / 1000) : '',
    one.nextMs === undefined ? '' : describeNext(one.nextMs, nowMs),
    one.why,
  ]);
  const headings = ['copies', 'to', 'state', 'stuck for', 'next try', 'because'];
  output.print(await renderTable(headings, rows, headings.slice(1)));
  if (isPartial) output.note('… and more: only the first 1000 of each state were looked at');
  const [first] = waiting;
  if (first !== undefined)
    output.note(`  pando explain ${escapeKey(formatObjectName(first.example))} tells all about one of them`);
}
