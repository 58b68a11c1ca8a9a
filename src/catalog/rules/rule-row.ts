import type { Insertable, Selectable } from 'kysely';
import type { RuleTarget, RuleWords } from '../../domain/rule/rule.ts';
import type { RuleFacts, RuleState, RuleStatus } from '../../domain/rule/rule-state.ts';
import type { RuleRecord } from '../../ports/rules.ts';
import type { RuleTable } from '../rule-schema.ts';

export type RuleRow = Selectable<RuleTable>;

type WordColumns = Omit<
  Insertable<RuleTable>,
  | 'id'
  | 'same'
  | 'state'
  | 'flag'
  | 'position'
  | 'ok'
  | 'replicating'
  | 'stuck'
  | 'missing'
  | 'missing_why'
  | 'missing_room'
  | 'turn_missing'
  | 'turn_why'
  | 'turn_room'
  | 'times_stuck'
  | 'told'
  | 'created_ms'
  | 'updated_ms'
  | 'look_ms'
  | 'ended_ms'
  | 'due_ms'
  | 'token'
  | 'owner'
>;

/** What a rule says, without its targets. */
export function encodeWords(words: RuleWords): WordColumns {
  return {
    origin: words.origin,
    account: words.account,
    copies: words.copies,
    expression: words.expression,
    source_expression: words.sourceExpression ?? null,
    grouping: words.grouping,
    weight: words.weight ?? null,
    domain_attribute: words.domainAttribute ?? null,
    activity: words.activity,
    priority: words.priority,
    locked: Number(words.isLocked),
    purge: Number(words.purge),
    ignore_availability: Number(words.ignoreAvailability),
    besides_authoritative: Number(words.besidesAuthoritative),
    by_policy: Number(words.isByPolicy),
    preferred: encodeNames(words.preferred),
    blocked: encodeNames(words.blocked),
    comment: words.comment ?? null,
    notify: words.notify === 'none' ? null : words.notify,
    expires_ms: words.expiresMs ?? null,
    replaces: words.replaces ?? null,
  };
}

export function decodeRule(row: RuleRow, targets: readonly RuleTarget[]): RuleRecord {
  return {
    id: row.id,
    origin: row.origin as RuleWords['origin'],
    account: row.account,
    targets,
    copies: row.copies,
    expression: row.expression,
    sourceExpression: row.source_expression ?? undefined,
    grouping: row.grouping as RuleWords['grouping'],
    weight: row.weight ?? undefined,
    domainAttribute: row.domain_attribute ?? undefined,
    activity: row.activity,
    priority: row.priority,
    isLocked: row.locked === 1,
    purge: row.purge === 1,
    ignoreAvailability: row.ignore_availability === 1,
    besidesAuthoritative: row.besides_authoritative === 1,
    isByPolicy: row.by_policy === 1,
    preferred: decodeNames(row.preferred),
    blocked: decodeNames(row.blocked),
    comment: row.comment ?? undefined,
    notify: (row.notify ?? 'none') as RuleWords['notify'],
    expiresMs: row.expires_ms ?? undefined,
    replaces: row.replaces ?? undefined,
    state: row.state as RuleState,
    counts: { ok: row.ok, replicating: row.replicating, stuck: row.stuck },
    missingCopies: row.missing,
    missingWhy: row.missing_why ?? undefined,
    timesStuck: row.times_stuck,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    nextLookMs: row.look_ms ?? undefined,
  };
}

export function statusOf({ state, flag }: Pick<RuleRow, 'state' | 'flag'>): RuleStatus {
  const name = state as RuleState;
  if (name === 'INJECT') return { state: name, again: flag === 1 };
  if (name === 'SUSPENDED') return { state: name, isApplied: flag === 1 };
  return { state: name };
}

export function encodeStatus(status: RuleStatus): { readonly state: string; readonly flag: number } {
  switch (status.state) {
    case 'INJECT':
      return { state: status.state, flag: Number(status.again) };
    case 'SUSPENDED':
      return { state: status.state, flag: Number(status.isApplied) };
    case 'WAITING_APPROVAL':
    case 'REPLICATING':
    case 'OK':
    case 'STUCK':
      return { state: status.state, flag: 0 };
  }
}

export function factsOf(row: Pick<RuleRow, 'ok' | 'replicating' | 'stuck' | 'missing' | 'locked'>): RuleFacts {
  const { ok, replicating, stuck, missing, locked } = row;
  return { counts: { ok, replicating, stuck }, missingCopies: missing, isLocked: locked === 1 };
}

function encodeNames(names: readonly string[]): string | null {
  return names.length === 0 ? null : JSON.stringify(names);
}

function decodeNames(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) as string[]);
}
