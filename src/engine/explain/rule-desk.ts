import type { ObjectName } from '../../domain/object/object-name.ts';
import { type DeclaredBad, declareBad } from './declare-bad.ts';
import { explainObject } from './explain-object.ts';
import type { ExplainPorts } from './explain-ports.ts';
import { explainRule } from './explain-rule.ts';
import { findOpenFindings, type OpenFindings } from './open-findings.ts';
import type { ObjectExplanation, RuleExplanation } from './explanation.ts';
import { type ResolvedObject, resolveObject } from './resolve-object.ts';

/** What operators ask about single objects and rules. Stores are told and taken by the places the catalog knows, or by their names. */
export interface RuleDesk {
  /** Undefined: nobody has ever heard of it. */
  explainObject(name: ObjectName): Promise<ObjectExplanation | undefined>;
  explainRule(id: number): Promise<RuleExplanation | undefined>;
  resolve(name: ObjectName): Promise<ResolvedObject | undefined>;
  openFindings(query: { readonly limit: number }): Promise<OpenFindings>;
  declareBad(name: ObjectName, store: { readonly store: string; readonly title: string }): Promise<DeclaredBad>;
}

export function bindRuleDesk(ports: ExplainPorts): RuleDesk {
  return {
    explainObject: (name) => explainObject(ports, name),
    explainRule: (id) => explainRule(ports, id),
    resolve: (name) => resolveObject(ports, name),
    openFindings: (query) => findOpenFindings(ports, query),
    declareBad: (name, store) => declareBad(ports.catalog, name, store),
  };
}
