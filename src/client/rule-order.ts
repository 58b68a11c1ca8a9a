import type { Configuration } from '../config/configuration.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { PLAIN_RULE, type RuleTarget, type RuleWords } from '../domain/rule/rule.ts';
import type { NewRule } from '../ports/rules.ts';
import type { ListedStore } from './list-stores.ts';
import { listStores } from './list-stores.ts';
import { RuleError } from './rule-error.ts';

/** What a rule may be told besides what it is about. Times in milliseconds. */
export interface RuleTerms {
  readonly copies: number;
  /** Which stores are asked: an expression (docs/names-and-expressions.md). */
  readonly stores: string;
  readonly grouping?: RuleWords['grouping'];
  readonly weight?: string | undefined;
  /** From now; undefined: until somebody ends it. */
  readonly lifetimeMs?: number | undefined;
  /** It refuses to end. */
  readonly locked?: boolean;
  /** Which stores may give the bytes. */
  readonly source?: string | undefined;
  readonly activity?: string;
  /** 0 is most urgent. */
  readonly priority?: number;
  /** What only it claimed goes at once when it ends. */
  readonly purge?: boolean;
  readonly comment?: string | undefined;
  readonly notify?: RuleWords['notify'];
  readonly ignoreAvailability?: boolean;
  /** Stores, aliases or sites. */
  readonly prefer?: readonly string[];
  readonly block?: readonly string[];
  /** The attribute of stores that fail together; undefined: the site. */
  readonly failureDomain?: string | undefined;
}

export function makeRule(
  terms: RuleTerms,
  given: {
    readonly account: string;
    readonly targets: readonly RuleTarget[];
    readonly nowMs: number;
    readonly needsApproval: boolean;
  },
): NewRule {
  const { account, targets, nowMs, needsApproval } = given;
  return {
    ...PLAIN_RULE,
    account,
    targets,
    copies: terms.copies,
    expression: terms.stores,
    sourceExpression: terms.source,
    grouping: terms.grouping ?? PLAIN_RULE.grouping,
    weight: terms.weight,
    domainAttribute: terms.failureDomain,
    activity: terms.activity ?? PLAIN_RULE.activity,
    priority: terms.priority ?? PLAIN_RULE.priority,
    isLocked: terms.locked ?? PLAIN_RULE.isLocked,
    purge: terms.purge ?? PLAIN_RULE.purge,
    ignoreAvailability: terms.ignoreAvailability ?? PLAIN_RULE.ignoreAvailability,
    preferred: terms.prefer ?? PLAIN_RULE.preferred,
    blocked: terms.block ?? PLAIN_RULE.blocked,
    comment: terms.comment,
    notify: terms.notify ?? PLAIN_RULE.notify,
    expiresMs: terms.lifetimeMs === undefined ? undefined : nowMs + terms.lifetimeMs,
    needsApproval,
  };
}

/** What is changed of a rule: only what is given. */
export function changedWords(terms: Partial<RuleTerms>, nowMs: number): Partial<RuleWords> {
  const words: Record<string, unknown> = {};
  for (const [term, word] of Object.entries(WORDS)) if (term in terms) words[word] = terms[term as keyof RuleTerms];
  if ('lifetimeMs' in terms) words['expiresMs'] = terms.lifetimeMs === undefined ? undefined : nowMs + terms.lifetimeMs;
  return words;
}

const WORDS = {
  copies: 'copies',
  stores: 'expression',
  grouping: 'grouping',
  weight: 'weight',
  locked: 'isLocked',
  source: 'sourceExpression',
  activity: 'activity',
  priority: 'priority',
  purge: 'purge',
  comment: 'comment',
  notify: 'notify',
  ignoreAvailability: 'ignoreAvailability',
  prefer: 'preferred',
  block: 'blocked',
  failureDomain: 'domainAttribute',
} as const satisfies Partial<Record<keyof RuleTerms, keyof RuleWords>>;

/** What the words about stores mean on the configuration, and what may not be meant so: sentences. */
export interface TermsChecked {
  readonly stores: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Fails with a `ConfigurationError` where an expression is not understood or no copies are asked for, and with a `RuleError` where one that says where copies go
 * names no store now, unless that is allowed. `stores`: of a rule that is there and keeps them.
 */
export function checkTerms(
  configuration: Configuration,
  terms: Partial<RuleTerms>,
  { allowEmpty, stores: kept }: { readonly allowEmpty: boolean; readonly stores?: string },
): TermsChecked {
  refuseNoCopies(terms);
  const warnings: string[] = [];
  const meant = terms.stores === undefined ? [] : read(configuration, terms.stores, warnings);
  if (terms.stores !== undefined && meant.length === 0) {
    const message = `${JSON.stringify(terms.stores)} names no store now${warnings.map((one) => `; ${one}`).join('')}`;
    const remedy = 'pando store ls shows what there is; --allow-empty adds the rule all the same';
    if (!allowEmpty) throw new RuleError('refused', message, remedy);
    warnings.push(message);
  }
  if (terms.source !== undefined && read(configuration, terms.source, warnings).length === 0)
    warnings.push(`the source expression ${JSON.stringify(terms.source)} names no store now: nothing can be copied`);
  const { copies, lifetimeMs } = terms;
  if (lifetimeMs !== undefined && !(lifetimeMs > 0))
    throw new RuleError('refused', `a rule cannot last ${lifetimeMs} ms`, 'say a lifetime above 0, or none');
  if (copies !== undefined && meant.length > 0 && copies > meant.length)
    warnings.push(`${copies} copies are asked for, and ${counted(meant.length)} named now`);
  warnings.push(...warnOfAttributes(terms, kept === undefined ? meant : read(configuration, kept, [])));
  for (const node of [...(terms.prefer ?? []), ...(terms.block ?? [])])
    if (!isKnownNode(configuration, node)) warnings.push(`${node}: no store, alias or site is called so`);
  return { stores: meant.map(({ name }) => name), warnings };
}

/** Attributes that none of the stores has: nothing could be chosen in proportion, or every store would fail by itself. */
function warnOfAttributes({ weight, failureDomain }: Partial<RuleTerms>, stores: readonly ListedStore[]): string[] {
  const isOfAny = (attribute: string, fits: (value: unknown) => boolean): boolean =>
    stores.some(({ attributes }) => fits(attributes.get(attribute)));
  const warnings: string[] = [];
  if (weight !== undefined && !isOfAny(weight, (value) => typeof value === 'number'))
    warnings.push(`none of these stores has a number as its attribute ${weight}`);
  if (failureDomain !== undefined && !isOfAny(failureDomain, (value) => value !== undefined))
    warnings.push(`none of these stores has the attribute ${failureDomain}: each is a failure domain by itself`);
  return warnings;
}

/** A rule for none would be fulfilled from the first and never do anything. */
function refuseNoCopies({ copies }: Partial<RuleTerms>): void {
  if (copies === undefined || (Number.isSafeInteger(copies) && copies >= 1)) return;
  const message = `${copies} copies of each object are not to be had`;
  const remedy = 'ask for one or more; a rule that is not wanted any more is taken away with pando rule rm';
  throw new ConfigurationError([problemOutsideFiles('copies', message, remedy)]);
}

function counted(stores: number): string {
  return stores === 1 ? '1 store is' : `${stores} stores are`;
}

/** Without those that have another name here, of which a warning tells. */
function read(configuration: Configuration, expression: string, warnings: string[]): readonly ListedStore[] {
  const found = listStores(configuration, expression);
  for (const { message, remedy } of found.warnings) warnings.push(`${message}; ${remedy}`);
  for (const { key, nearest } of found.unknownKeys) {
    const advice = nearest === undefined ? '' : `: did you mean ${nearest}?`;
    warnings.push(`no store is called ${key}, and none has such an attribute${advice}`);
  }
  const stores = found.kind === 'empty' ? [] : found.stores;
  for (const { name, sameAs } of stores)
    if (sameAs !== undefined)
      warnings.push(`${name} is the same place as ${sameAs}: rules know that store as ${sameAs}`);
  return stores.filter(({ sameAs }) => sameAs === undefined);
}

function isKnownNode({ profiles }: Configuration, node: string): boolean {
  return Object.values(profiles).some(
    ({ name, traits: { aliases, site } }) => name === node || site === node || aliases.includes(node),
  );
}
