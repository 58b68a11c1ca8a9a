import * as z from 'zod';
import { makeReplicationPolicy } from '../domain/rule/replication-policy.ts';
import type { ReplicationPolicy } from '../domain/rule/replication-policy.ts';
import type { AcceptancePolicy } from '../domain/store/acceptance.ts';
import { parseDocument } from './document.ts';
import { count, flag, size, text } from './fields.ts';
import { inOrder, placeFindings } from './place-findings.ts';
import { keyOf, parsePolicyXml } from './policy-xml.ts';
import type { PolicyNames } from './policy-xml.ts';
import { ConfigurationError, formatPath } from './problem.ts';
import type { ConfigurationPath, Finding } from './problem.ts';
import { readSection, section } from './section.ts';
import type { SectionRead } from './section.ts';
import { briefly } from './xml-root.ts';

/** Longer than any policy somebody wrote: a thousand nodes are less. */
const POLICY_LENGTH_MAX = 256 * 1024;

/** More are not told at once: whoever mends these is told the next ones. */
const PROBLEMS_MAX = 20;

/** Nobody has so many stores; a slip of the keyboard does. */
const NUMBER_REPLICAS_MAX = 10_000;

/** How a text of XML begins. */
const XML = /^\uFEFF?\s*</;

const bytes = size('0', '9PB').optional();
const nodes = z.array(text).optional();

const acceptance = section({
  replicate: flag.optional(),
  max_object_size: bytes,
  space_allocated: bytes,
  allowed_node: nodes,
  allowed_object_format: nodes,
});

/** The policy of a node as it was published, and what is said of the node around it. */
const published = section({ replicate: flag.optional(), policy: text });

const replicationPolicy = section({
  replication_allowed: flag.optional(),
  number_replicas: count(NUMBER_REPLICAS_MAX, 0).optional(),
  preferred_member_node: nodes,
  blocked_member_node: nodes,
});

const ACCEPTANCE_NAMES: PolicyNames = {
  root: 'nodeReplicationPolicy',
  attributes: ['replicate'],
  flags: ['replicate'],
  elements: ['maxObjectSize', 'spaceAllocated'],
  lists: ['allowedNode', 'allowedObjectFormat'],
};

const REPLICATION_POLICY_NAMES: PolicyNames = {
  root: 'replicationPolicy',
  attributes: ['replicationAllowed', 'numberReplicas'],
  flags: ['replicationAllowed'],
  elements: [],
  lists: ['preferredMemberNode', 'blockedMemberNode'],
};

/** What a text may be read as; `howToSay`: what to do where it is this, and was taken for the other. */
interface PolicyTitles {
  readonly names: PolicyNames;
  readonly title: string;
  readonly howToSay: string;
}

interface PolicyKind extends PolicyTitles {
  readonly other: PolicyTitles;
}

const OF_STORES: PolicyTitles = {
  names: ACCEPTANCE_NAMES,
  title: 'what a store accepts',
  howToSay: 'add --store',
};
const OF_OBJECTS: PolicyTitles = {
  names: REPLICATION_POLICY_NAMES,
  title: "an object's policy",
  howToSay: 'leave out --store',
};
const ACCEPTANCE: PolicyKind = { ...OF_STORES, other: OF_OBJECTS };
const REPLICATION_POLICY: PolicyKind = { ...OF_OBJECTS, other: OF_STORES };

/**
 * What a store accepts, as a configuration at `path` says it: a section, a text of XML, or a section with such a text in it
 * (docs/policies.md, "Acceptance").
 */
export function readAcceptancePolicy(input: unknown, path: ConfigurationPath): SectionRead<AcceptancePolicy> {
  if (typeof input === 'string' && XML.test(input)) return readAcceptanceXml(input, path);
  if (isPublished(input)) return readPublished(input, path);
  const { value, findings } = readSection(acceptance, input, path);
  const repeats = findRepeats(input, path);
  if (value === undefined || repeats.length > 0) return { value: undefined, findings: [...findings, ...repeats] };
  const policy = {
    replicate: value.replicate ?? false,
    ...(value.max_object_size === undefined ? {} : { maxObjectBytes: value.max_object_size }),
    ...(value.space_allocated === undefined ? {} : { spaceAllocatedBytes: value.space_allocated }),
    allowedNodes: value.allowed_node ?? [],
    allowedFormats: value.allowed_object_format ?? [],
  };
  return { value: policy, findings };
}

function isPublished(input: unknown): input is { readonly policy: unknown } {
  return typeof input === 'object' && input !== null && 'policy' in input;
}

function readPublished(input: { readonly policy: unknown }, path: ConfigurationPath): SectionRead<AcceptancePolicy> {
  const { value, findings } = readSection(published, input, path);
  if (value === undefined) return { value: undefined, findings };
  const inside = [...path, 'policy'];
  if (!XML.test(value.policy)) {
    const remedy = 'write policy: |, and the XML below it; keys such as max_object_size need no policy around them';
    return { value: undefined, findings: [{ path: inside, message: 'is no XML', remedy }] };
  }
  const read = readAcceptanceXml(value.policy, inside);
  if (read.value === undefined || value.replicate === undefined) return read;
  return { value: { ...read.value, replicate: value.replicate }, findings: read.findings };
}

/** One finding with all that is wrong, each by its line in the XML: lines of the file around it may be folded. */
function readAcceptanceXml(policyText: string, path: ConfigurationPath): SectionRead<AcceptancePolicy> {
  const { document, input } = parsePolicyXml(policyText, ACCEPTANCE_NAMES);
  const read = document.isReadable ? readAcceptancePolicy(input, []) : undefined;
  const told = (read?.findings ?? []).map((one) => ({ ...one, path: inXml(one.path, ACCEPTANCE_NAMES) }));
  const problems = inOrder([...document.flaws, ...placeFindings(told, document, undefined)]);
  const [first] = problems;
  if (first === undefined) return { value: read?.value, findings: [] };
  const all = problems.slice(0, PROBLEMS_MAX).map(({ line, message }) => `line ${line}: ${message}`);
  return {
    value: undefined,
    findings: [{ path, message: `is XML with mistakes: ${all.join('; ')}`, remedy: first.remedy }],
  };
}

/** An object's policy, as the section of a configuration at `path` says it (docs/policies.md, "Policies of objects"). */
export function readReplicationPolicy(input: unknown, path: ConfigurationPath): SectionRead<ReplicationPolicy> {
  const { value, findings } = readSection(replicationPolicy, input, path);
  const repeats = findRepeats(input, path);
  if (value === undefined || repeats.length > 0) return { value: undefined, findings: [...findings, ...repeats] };
  const policy = makeReplicationPolicy({
    ...(value.replication_allowed === undefined ? {} : { replicationAllowed: value.replication_allowed }),
    ...(value.number_replicas === undefined ? {} : { numberReplicas: value.number_replicas }),
    preferredNodes: value.preferred_member_node ?? [],
    blockedNodes: value.blocked_member_node ?? [],
  });
  return { value: policy, findings };
}

/**
 * A store's acceptance as YAML, JSON or XML (docs/policies.md, "Policies as YAML and XML"). `file` is where the text is from, for
 * problems: a path, or `standard input`. Throws a `ConfigurationError` with everything that is wrong.
 */
export function parseAcceptancePolicy(policyText: string, file: string): AcceptancePolicy {
  return parsePolicy(policyText, file, ACCEPTANCE, readAcceptancePolicy);
}

/** An object's policy; otherwise as `parseAcceptancePolicy`. */
export function parseReplicationPolicy(policyText: string, file: string): ReplicationPolicy {
  return parsePolicy(policyText, file, REPLICATION_POLICY, readReplicationPolicy);
}

function parsePolicy<T>(
  policyText: string,
  file: string,
  { names, title, other }: PolicyKind,
  read: (input: unknown, path: ConfigurationPath) => SectionRead<T>,
): T {
  if (policyText.length > POLICY_LENGTH_MAX) throw tooLong(file, names);
  const xml = XML.test(policyText) ? parsePolicyXml(policyText, names) : undefined;
  const document = xml?.document ?? parseDocument(policyText);
  const outcome = document.isReadable ? read(xml?.input ?? document.value, []) : undefined;
  const findings = (outcome?.findings ?? []).slice(0, PROBLEMS_MAX);
  const told = xml === undefined ? findings : findings.map((one) => ({ ...one, path: inXml(one.path, names) }));
  const flaws = document.flaws.map((flaw) => ({ ...flaw, path: formatPath(flaw.path), file }));
  const problems = inOrder([...flaws, ...placeFindings(told, document, file)]);
  if (problems.length === 0 && outcome?.value !== undefined) return outcome.value;
  const [first] = problems;
  if (first !== undefined && looksLike(other.names, names, xml === undefined ? document.value : policyText)) {
    const message = `this looks like ${other.title}, and is read as ${title}`;
    throw new ConfigurationError([{ ...first, path: '', message, remedy: other.howToSay }], { subject: 'The policy' });
  }
  throw new ConfigurationError(problems.slice(0, PROBLEMS_MAX), { subject: 'The policy' });
}

/** By the element an XML text begins with, or by keys that are of this kind only. */
function looksLike(names: PolicyNames, asked: PolicyNames, given: unknown): boolean {
  if (typeof given === 'string') return new RegExp(`<(?:[\\w.-]+:)?${names.root}[\\s/>]`).test(given);
  const keys = typeof given === 'object' && given !== null ? Object.keys(given) : [];
  const has = ({ attributes, elements, lists }: PolicyNames): boolean =>
    [...attributes, ...elements, ...lists].some((name) => keys.includes(keyOf(name)));
  return has(names) && !has(asked);
}

function inXml(path: ConfigurationPath, { root, attributes, elements, lists }: PolicyNames): ConfigurationPath {
  const names = [...attributes, ...elements, ...lists];
  return [root, ...path.map((part) => names.find((name) => keyOf(name) === part) ?? part)];
}

/** A node that is listed twice is a slip in one of the two. */
function findRepeats(input: unknown, path: ConfigurationPath): Finding[] {
  const lists = typeof input === 'object' && input !== null ? Object.entries(input) : [];
  return lists.flatMap(([key, entries]) => {
    const seen = new Set<unknown>();
    return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown, i) => {
      if (typeof entry !== 'string' || entry === '' || !seen.has(entry)) {
        seen.add(entry);
        return [];
      }
      const message = `repeats ${briefly(JSON.stringify(entry))}`;
      return [{ path: [...path, key, i], message, remedy: 'keep one of the two' }];
    });
  });
}

function tooLong(file: string, { root }: PolicyNames): ConfigurationError {
  const message = 'the text is longer than 256 KiB, and no policy';
  const remedy = `name a YAML file, or an XML file with <${root}>`;
  return new ConfigurationError([{ path: '', file, line: undefined, column: undefined, message, remedy }], {
    subject: 'The policy',
  });
}
