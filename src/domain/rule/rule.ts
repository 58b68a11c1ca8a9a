import type { ObjectName } from '../object/object-name.ts';
import { RULE_ACTIVITY_DEFAULT, RULE_PRIORITY_DEFAULT } from './activities.ts';
import type { Grouping } from '../placement/placement-facts.ts';

/** What a rule is about: an object, a collection with all it holds, or every object of a scope whose name fits a glob pattern. */
export type RuleTarget =
  | ({ readonly kind: 'object' | 'collection' } & ObjectName)
  | { readonly kind: 'pattern'; readonly scope: string; readonly pattern: string };

/** By whom a rule was ordered: by a person, by an object's policy, or by the default policy. */
export type RuleOrigin = (typeof RULE_ORIGINS)[number];
export const RULE_ORIGINS = ['asked', 'policy', 'default-policy'] as const;

/** A standing order, as it was given (docs/rules.md). */
export interface RuleWords {
  readonly origin: RuleOrigin;
  readonly account: string;
  readonly targets: readonly RuleTarget[];
  /** 1 or more. */
  readonly copies: number;
  /** Which stores are asked; a policy's is `*`. */
  readonly expression: string;
  /** Which stores may give the bytes; undefined: any. */
  readonly sourceExpression: string | undefined;
  readonly grouping: Grouping;
  /** Attribute in proportion to which stores are chosen. */
  readonly weight: string | undefined;
  /** Attribute whose value fails together; undefined: the site. */
  readonly domainAttribute: string | undefined;
  readonly activity: string;
  /** 0 is most urgent. */
  readonly priority: number;
  /** It refuses to end. */
  readonly isLocked: boolean;
  /** What only it claimed goes at once when it ends. */
  readonly purge: boolean;
  readonly ignoreAvailability: boolean;
  /** Copies are counted besides the authoritative one. */
  readonly besidesAuthoritative: boolean;
  /** Only stores that volunteer are candidates. */
  readonly isByPolicy: boolean;
  /** Nodes (docs/policies.md, "Nodes"). */
  readonly preferred: readonly string[];
  readonly blocked: readonly string[];
  readonly comment: string | undefined;
  /** What is told of it as events: `ok` when it becomes `OK`, `progress` each tenth too. */
  readonly notify: 'none' | 'ok' | 'progress';
  readonly expiresMs: number | undefined;
  /** The rule that ends once this one is `OK`. */
  readonly replaces: number | undefined;
}

/** What a rule is unless it says otherwise, where somebody asks for it. */
export const PLAIN_RULE: Omit<RuleWords, 'account' | 'targets' | 'copies' | 'expression'> = {
  origin: 'asked',
  sourceExpression: undefined,
  grouping: 'dataset',
  weight: undefined,
  domainAttribute: undefined,
  activity: RULE_ACTIVITY_DEFAULT,
  priority: RULE_PRIORITY_DEFAULT,
  isLocked: false,
  purge: false,
  ignoreAvailability: false,
  besidesAuthoritative: false,
  isByPolicy: false,
  preferred: [],
  blocked: [],
  comment: undefined,
  notify: 'none',
  expiresMs: undefined,
  replaces: undefined,
};
