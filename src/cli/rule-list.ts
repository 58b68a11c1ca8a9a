import type { StandingRule } from '../ports/catalog.ts';
import type { RuleRecord } from '../ports/rules.ts';
import { describeTarget } from '../client/rule-targets.ts';
import { escapeControls } from '../domain/object/key.ts';
import type { RuleState } from '../domain/rule/rule-state.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { openRules } from './open-rules.ts';
import { renderTable } from './table.ts';

export interface RulesWanted {
  readonly scope: string | undefined;
  readonly account: string | undefined;
  readonly state: RuleState | undefined;
  /** `profile`: what the replicas of profiles stand for. */
  readonly origin: string | undefined;
}

export async function listRules(cli: Invocation, wanted: RulesWanted): Promise<ExitCode> {
  const { scope, account, state, origin } = wanted;
  const rules = await openRules(cli);
  const found: RuleRecord[] = [];
  if (origin !== 'profile') {
    const query = {
      ...(scope === undefined ? {} : { scope }),
      ...(account === undefined ? {} : { account }),
      ...(state === undefined ? {} : { state }),
    };
    for await (const rule of rules.list(query)) if (origin === undefined || rule.origin === origin) found.push(rule);
  }
  // A profile's rule is nobody's, and has no state.
  const isStandingMeant =
    account === undefined && state === undefined && (origin === undefined || origin === 'profile');
  const standing = isStandingMeant ? await rules.standing(scope) : [];
  // It has no number that other commands would know.
  if (cli.globals.json === true) cli.output.printJson([...found, ...standing.map((one) => ({ ...one, id: null }))]);
  else if (found.length + standing.length === 0) cli.output.note('no rules: pando rule add makes one');
  else {
    const rows = [...found.map(rowOf), ...standing.map(standingRow)];
    const headings = ['rule', 'state', 'copies', 'at', 'of', 'there', 'origin', 'account'];
    const left = headings.filter((heading) => heading !== 'rule' && heading !== 'copies' && heading !== 'there');
    cli.output.print(await renderTable(headings, rows, left));
  }
  return EXIT.done;
}

function rowOf(rule: RuleRecord): readonly (string | number)[] {
  const { id, state, copies, expression, origin, account } = rule;
  const [stores, targets] = [expression, describeTargets(rule)].map(cut) as [string, string];
  return [id, state, copies, stores, targets, describeCounts(rule), origin, account];
}

function standingRow({ scope, storeTitle, origin }: StandingRule): readonly (string | number)[] {
  return ['-', 'mirror', 1, storeTitle, `${scope}:`, '', origin, ''];
}

/** Beyond this a line of the table is cut: `rule show` and `--json` have all of it. */
const CELL_MAX = 60;

function cut(text: string): string {
  const characters = Array.from(text);
  return characters.length <= CELL_MAX ? text : `${characters.slice(0, CELL_MAX - 1).join('')}…`;
}

const TARGETS_SHOWN = 2;

export function describeTargets({ targets }: Pick<RuleRecord, 'targets'>, shown = TARGETS_SHOWN): string {
  const named = targets.slice(0, shown).map((target) => escapeControls(describeTarget(target)));
  const more = targets.length > shown ? ` and ${targets.length - shown} more` : '';
  return `${named.join(', ')}${more}`;
}

/** `120/150`: copies that are there of all it asks for. */
export function describeCounts({ counts, missingCopies }: Pick<RuleRecord, 'counts' | 'missingCopies'>): string {
  const { ok, replicating, stuck } = counts;
  return `${ok}/${ok + replicating + stuck + missingCopies}`;
}
