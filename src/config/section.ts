import * as z from 'zod';
import type { ConfigurationPath, Finding } from './problem.ts';
import { suggest } from './suggestion.ts';

/**
 * A section: these keys and no others. The message of its `unrecognized_keys` issue is the list of keys it knows, from which
 * `readSection` makes one finding with a suggestion per unknown key.
 */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(' ');
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? known : undefined) });
}

/** A section that was read: its value where nothing is wrong with it, and everything that is wrong. */
export interface SectionRead<T> {
  readonly value: T | undefined;
  readonly findings: readonly Finding[];
}

export function readSection<T>(schema: z.ZodType<T>, input: unknown, path: ConfigurationPath): SectionRead<T> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return { value: result.data, findings: [] };
  return { value: undefined, findings: result.error.issues.flatMap((issue) => describeIssue(issue, path)) };
}

function describeIssue(issue: z.core.$ZodIssue, prefix: ConfigurationPath): Finding[] {
  const path = [...prefix, ...issue.path.filter((part) => typeof part !== 'symbol')];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknownKey(key, path, issue.message.split(' ')));
  }
  if (issue.code === 'custom') return [{ path, message: issue.message, remedy: String(issue.params?.['remedy']) }];
  return [issue.code === 'invalid_union' ? describeUnknownType(issue, path) : describeWrongShape(issue, path)];
}

function describeUnknownKey(key: string, section: ConfigurationPath, known: readonly string[]): Finding {
  return {
    path: [...section, key],
    at: 'key',
    message: 'is not a key that Pando knows here',
    remedy: suggest(key, known),
  };
}

function describeUnknownType(issue: z.core.$ZodIssueInvalidUnion, path: ConfigurationPath): Finding {
  const types = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const type: unknown =
    typeof issue.input === 'object' && issue.input !== null && 'type' in issue.input ? issue.input.type : undefined;
  const message = type === undefined ? 'has no value' : 'is not a type that Pando knows here';
  return { path, message, remedy: suggest(typeof type === 'string' ? type : '', types) };
}

function describeWrongShape(issue: z.core.$ZodIssue, path: ConfigurationPath): Finding {
  if (issue.input === undefined) return { path, message: 'has no value', remedy: 'write one' };
  if (issue.code === 'invalid_type' && issue.expected === 'array') {
    return { path, message: 'must be a list', remedy: 'begin each entry with "- "' };
  }
  return {
    path,
    message: 'must be a section with keys of its own',
    remedy: 'write "key: value" lines below it, indented',
  };
}
