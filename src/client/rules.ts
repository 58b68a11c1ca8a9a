import type { Configuration } from '../config/configuration.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import type { RuleEvent } from '../domain/rule/rule-state.ts';
import type { Catalog, StandingRule } from '../ports/catalog.ts';
import type { LockRecord, NewRule, RuleQuery, RuleRecord } from '../ports/rules.ts';
import { type Actor, demandAdministrator, demandOwner } from './actor.ts';
import { findDeeperPattern } from './find-deeper-pattern.ts';
import { listStores } from './list-stores.ts';
import type { DefaultScope } from './object-names.ts';
import { RuleError } from './rule-error.ts';
import { changedWords, checkTerms, makeRule, type RuleTerms } from './rule-order.ts';
import { describeTarget, findRuleTarget, noSuchTarget } from './rule-targets.ts';
import { readStoreTitles } from './store-titles.ts';
import { walkRules } from './walk-rules.ts';

export interface RulePlace {
  readonly catalog: Catalog;
  readonly configuration: Configuration;
  readonly actor: Actor;
  readonly scope: DefaultScope;
  readonly nowMs: () => number;
}

export interface RuleOptions {
  /** An expression that names no store now is taken too. */
  readonly allowEmpty?: boolean;
  /** It waits until an administrator approves it. */
  readonly askApproval?: boolean;
}

export interface RuleOrdered {
  readonly id: number;
  /** Names of the stores that the expression means now. */
  readonly stores: readonly string[];
  /** Sentences about what may not be meant so. */
  readonly warnings: readonly string[];
}

/** A rule and how far it is. Stores by their names. */
export interface RuleDetails {
  readonly rule: RuleRecord;
  readonly stores: readonly string[];
  /** Some of the copies that are stuck. */
  readonly stuck: readonly LockRecord[];
  /** The rule that takes its place once it is `OK`. */
  readonly replacedBy: number | undefined;
  /** At the pace since it was added; undefined: nobody can say, or nothing is left. */
  readonly leftMs: number | undefined;
}

/** So many stuck copies are told of a rule. */
const STUCK_MAX = 10;

/**
 * The rules of a catalog (docs/rules.md). Every method fails with a `RuleError` where there is no such rule or it is refused, and with
 * a `ConfigurationError` where a text is no name or no expression.
 */
export class Rules {
  readonly #catalog: Catalog;
  readonly #configuration: Configuration;
  readonly #actor: Actor;
  readonly #scope: DefaultScope;
  readonly #nowMs: () => number;

  constructor({ catalog, configuration, actor, scope, nowMs }: RulePlace) {
    this.#catalog = catalog;
    this.#configuration = configuration;
    this.#actor = actor;
    this.#scope = scope;
    this.#nowMs = nowMs;
  }

  /** One rule about all of these: `scope:name` of objects and collections, or `scope:pattern`. */
  async add(targets: readonly string[], terms: RuleTerms, options: RuleOptions = {}): Promise<RuleOrdered> {
    const { allowEmpty = false, askApproval = false } = options;
    const checked = checkTerms(this.#configuration, terms, { allowEmpty });
    const found = [];
    for (const target of targets) found.push(await findRuleTarget(this.#catalog, target, this.#scope));
    const { account } = this.#actor;
    const rule = makeRule(terms, { account, targets: found, nowMs: this.#nowMs(), needsApproval: askApproval });
    const id = await this.#add(rule);
    return { ...checked, id, warnings: [...checked.warnings, ...(await this.#warnOfNothing(id, targets))] };
  }

  /** A rule about what comes later is meant, or a pattern is mistyped: only who wrote it knows. */
  async #warnOfNothing(id: number, targets: readonly string[]): Promise<readonly string[]> {
    const { objects, next } = await this.#catalog.readRulePage(id, { limit: 1 });
    if (objects.length > 0 || next !== undefined) return [];
    const warnings = [`${targets.join(', ')}: nothing is there now; what comes later is copied`];
    for (const target of targets) {
      const deeper = await findDeeperPattern(this.#catalog, target, this.#scope);
      if (deeper !== undefined) warnings.push(`${target}: what is there lies deeper, where ${deeper} would match it`);
    }
    return warnings;
  }

  /** Rules that were ordered, by objects' policies too. By their numbers. */
  async *list(query: Omit<RuleQuery, 'after' | 'limit'> = {}): AsyncGenerator<RuleRecord> {
    yield* walkRules(this.#catalog, query);
  }

  /** What the replicas of profiles stand for: a rule each, as long as the configuration names them. */
  async standing(scope?: string): Promise<readonly StandingRule[]> {
    return await this.#catalog.listStandingRules(scope);
  }

  async show(id: number): Promise<RuleDetails> {
    const rule = await this.#require(id);
    const titles = await readStoreTitles(this.#catalog, this.#configuration);
    const stuck = await this.#catalog.listLocks({ rule: id, state: 'STUCK', limit: STUCK_MAX });
    const replacedBy = await this.#successorOf(id);
    const selected = listStores(this.#configuration, rule.expression);
    return {
      rule,
      stores: selected.kind === 'empty' ? [] : selected.stores.map(({ name }) => name),
      stuck: stuck.map((lock) => ({ ...lock, store: titles(lock.store) })),
      replacedBy,
      leftMs: leftMsOf(rule, this.#nowMs()),
    };
  }

  /** What is not given stays. */
  async update(
    id: number,
    terms: Partial<RuleTerms>,
    options: Pick<RuleOptions, 'allowEmpty'> = {},
  ): Promise<RuleOrdered> {
    const rule = await this.#own(id, 'change');
    refusePolicy(rule);
    const kept = terms.stores === undefined ? { stores: rule.expression } : {};
    const checked = checkTerms(this.#configuration, terms, { allowEmpty: options.allowEmpty === true, ...kept });
    const words = changedWords(terms, this.#nowMs());
    const same = await this.#findSame({ ...rule, ...words }, id);
    if (same !== undefined) throw duplicateOf(same);
    if ((await this.#catalog.updateRule(id, words)) === undefined) throw await this.#noRule(id);
    return { ...checked, id };
  }

  /** A new rule with the same words elsewhere; the old one ends when the new one is `OK`. */
  async move(id: number, stores: string, options: Pick<RuleOptions, 'allowEmpty'> = {}): Promise<RuleOrdered> {
    const rule = await this.#own(id, 'move');
    refusePolicy(rule);
    if (rule.isLocked) throw lockedRule(id);
    if (rule.state === 'WAITING_APPROVAL')
      throw new RuleError(
        'refused',
        `rule ${id} waits for approval, and has nothing to be moved`,
        `pando rule rm ${id}, and add another`,
      );
    const { expression } = rule;
    if (expression === stores)
      throw new RuleError('refused', `rule ${id} is at ${stores} already`, 'name other stores');
    const successor = await this.#successorOf(id);
    if (successor !== undefined)
      throw new RuleError(
        'refused',
        `rule ${id} is being moved already, by rule ${successor}`,
        `pando rule update ${successor} --stores ${stores}, or pando rule rm ${successor} first`,
      );
    const checked = checkTerms(
      this.#configuration,
      { stores, copies: rule.copies },
      { allowEmpty: options.allowEmpty === true },
    );
    const moved = { ...rule, expression: stores, replaces: id, needsApproval: false };
    return { ...checked, id: await this.#add(moved) };
  }

  /** The rule that takes its place when all of it is there. */
  async #successorOf(id: number): Promise<number | undefined> {
    for await (const other of walkRules(this.#catalog)) if (other.replaces === id) return other.id;
    return undefined;
  }

  /** It ends: what only it claimed is released, with `purge` to go at once. */
  async remove(id: number, { purge }: { readonly purge?: boolean } = {}): Promise<void> {
    const rule = await this.#own(id, 'end');
    refusePolicy(rule);
    if (rule.isLocked) throw lockedRule(id);
    if (purge !== undefined && purge !== rule.purge) await this.#catalog.updateRule(id, { purge });
    await this.#tell(id, 'deleted');
  }

  /** True: it had waited for that. */
  async approve(id: number): Promise<boolean> {
    demandAdministrator(this.#actor, 'approve rules');
    const { state } = await this.#require(id);
    await this.#tell(id, 'approved');
    return state === 'WAITING_APPROVAL';
  }

  async deny(id: number): Promise<void> {
    demandAdministrator(this.#actor, 'deny rules');
    await this.#tell(id, 'denied');
  }

  /** True: it was not suspended before. */
  async suspend(id: number): Promise<boolean> {
    const { state } = await this.#own(id, 'suspend');
    await this.#tell(id, 'suspended');
    return state !== 'SUSPENDED';
  }

  /** True: it was suspended before. */
  async resume(id: number): Promise<boolean> {
    const { state } = await this.#own(id, 'resume');
    await this.#tell(id, 'resumed');
    return state === 'SUSPENDED';
  }

  async #add(rule: NewRule): Promise<number> {
    const added = await this.#catalog.addRule(rule);
    if (added.kind === 'unknown-target')
      throw await noSuchTarget(this.#catalog, added.names[0] ?? { scope: '', name: '' });
    if (added.kind === 'duplicate') throw duplicateOf(added.id);
    return added.id;
  }

  async #tell(id: number, event: RuleEvent): Promise<void> {
    const told = await this.#catalog.tellRule(id, event);
    if (told.kind === 'unknown') throw await this.#noRule(id);
    if (told.kind === 'refused')
      throw new RuleError('refused', `rule ${id}: ${told.why}`, `pando rule show ${id} tells how it stands`);
  }

  async #own(id: number, verb: string): Promise<RuleRecord> {
    const rule = await this.#require(id);
    demandOwner(this.#actor, rule.account, `${verb} rule ${id}`);
    return rule;
  }

  async #require(id: number): Promise<RuleRecord> {
    const rule = await this.#catalog.readRule(id);
    if (rule === undefined) throw await this.#noRule(id);
    return rule;
  }

  async #noRule(id: number): Promise<RuleError> {
    const ids: number[] = [];
    for await (const rule of walkRules(this.#catalog)) ids.push(rule.id);
    const shown = ids.slice(-5).join(', ');
    const remedy = ids.length === 0 ? 'there are none: pando rule add' : `the latest are ${shown}: pando rule ls`;
    return new RuleError('not-found', `there is no rule ${id}`, remedy);
  }

  /** Another rule that says the same. */
  async #findSame(rule: RuleRecord, id: number): Promise<number | undefined> {
    const { account, origin, copies, expression } = rule;
    const targets = namesOf(rule);
    for await (const other of walkRules(this.#catalog, { account })) {
      const isSame = other.copies === copies && other.expression === expression && other.origin === origin;
      if (other.id !== id && isSame && namesOf(other) === targets) return other.id;
    }
    return undefined;
  }
}

function namesOf({ targets }: RuleRecord): string {
  const named = targets.map((target) => JSON.stringify([target.kind, describeTarget(target)]));
  return JSON.stringify(named.toSorted());
}

/** Of what is copied now, as fast as what is there came. */
function leftMsOf({ counts, state, createdMs }: RuleRecord, nowMs: number): number | undefined {
  if (counts.replicating === 0 || counts.ok === 0 || state === 'SUSPENDED') return undefined;
  return Math.round(((nowMs - createdMs) / counts.ok) * counts.replicating);
}

function duplicateOf(id: number): RuleError {
  return new RuleError('refused', `rule ${id} says the same already`, `pando rule show ${id}`);
}

function lockedRule(id: number): RuleError {
  return new RuleError('refused', `rule ${id} is locked, and does not end`, `pando rule update ${id} --no-locked`);
}

/** A policy is changed as such, or it would say one thing and its rule another. */
function refusePolicy({ id, origin, targets: [target] }: RuleRecord): void {
  if (origin !== 'policy' || target === undefined || target.kind === 'pattern') return;
  const name = formatObjectName(target);
  throw new RuleError('refused', `rule ${id} is the policy of ${name}`, `change that: pando policy set ${name} FILE`);
}
