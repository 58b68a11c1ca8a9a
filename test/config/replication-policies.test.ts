import { describe, expect, it } from 'vitest';
import type { ConfigurationProblem } from '../../src/config/problem.ts';
import {
  parseAcceptancePolicy,
  parseReplicationPolicy,
  readAcceptancePolicy,
  readReplicationPolicy,
} from '../../src/config/replication-policies.ts';
import { briefly, errorOf } from './configure.ts';

const OBJECT_XML = `
    <replicationPolicy replicationAllowed="true" numberReplicas="2">
        <preferredMemberNode>urn:node:KNB</preferredMemberNode>
        <preferredMemberNode>urn:node:PISCO</preferredMemberNode>
        <blockedMemberNode>urn:node:SOMEBADNODE</blockedMemberNode>
    </replicationPolicy>
`;

const OBJECT_YAML = `
replication_allowed: true
number_replicas: 2
preferred_member_node:
  - urn:node:KNB
  - urn:node:PISCO
blocked_member_node:
  - urn:node:SOMEBADNODE
`;

const NODE_XML = `
    <nodeReplicationPolicy>
        <maxObjectSize>524288000</maxObjectSize>
        <spaceAllocated>1099511627776</spaceAllocated>
        <allowedNode>urn:node:KNB</allowedNode>
        <allowedNode>urn:node:ESA</allowedNode>
        <allowedNode>urn:node:SANPARKS</allowedNode>
        <allowedObjectFormat>FGDC-STD-001.1-1999</allowedObjectFormat>
        <allowedObjectFormat>eml://ecoinformatics.org/eml-2.1.1</allowedObjectFormat>
        <allowedObjectFormat>text/csv</allowedObjectFormat>
    </nodeReplicationPolicy>
`;

const NODE_YAML = `
replicate: true
max_object_size: 500MiB
space_allocated: 1TiB
allowed_node: ['urn:node:KNB', 'urn:node:ESA', 'urn:node:SANPARKS']
allowed_object_format:
  - FGDC-STD-001.1-1999
  - eml://ecoinformatics.org/eml-2.1.1
  - text/csv
`;

const inObject = (text: string) => parseReplicationPolicy(text, 'policy');
const inNode = (text: string) => parseAcceptancePolicy(text, 'policy');
const problemsOf = (read: (text: string) => unknown, text: string): readonly ConfigurationProblem[] =>
  errorOf(() => read(text)).problems;

describe('the policy of an object', () => {
  const published = {
    replicationAllowed: true,
    numberReplicas: 2,
    preferredNodes: ['urn:node:KNB', 'urn:node:PISCO'],
    blockedNodes: ['urn:node:SOMEBADNODE'],
  };

  it.each([
    ['XML as it is published', OBJECT_XML],
    ['YAML', OBJECT_YAML],
    [
      'JSON',
      '{"number_replicas": 2, "preferred_member_node": ["urn:node:KNB", "urn:node:PISCO"], "blocked_member_node": ["urn:node:SOMEBADNODE"]}',
    ],
    [
      'XML with a declaration, a namespace, comments and other line ends',
      `\uFEFF<?xml version="1.0" encoding="UTF-8"?>\n<!-- <!DOCTYPE x> -->${OBJECT_XML.trim().replaceAll('replicationPolicy', 'd1:replicationPolicy').replace('<d1:replicationPolicy', '<d1:replicationPolicy xmlns:d1="http://ns.dataone.org/service/types/v1"')}`.replaceAll(
        '\n',
        '\r\n',
      ),
    ],
  ])('is read from %s', (_, text) => {
    expect(inObject(text)).toEqual(published);
  });

  it.each([
    ['<replicationPolicy/>', {}],
    ['{}', {}],
    ['<replicationPolicy replicationAllowed="false"/>', { replicationAllowed: false }],
    [
      '<replicationPolicy replicationAllowed="0" numberReplicas=" 0 "/>',
      { replicationAllowed: false, numberReplicas: 0 },
    ],
    ['<replicationPolicy replicationAllowed="1"></replicationPolicy>', {}],
    ['number_replicas: 0', { numberReplicas: 0 }],
    ['replication_allowed: false', { replicationAllowed: false }],
    ['number_replicas:', {}],
    ['preferred_member_node: []', {}],
    ['preferred_member_node: [a, b]\nblocked_member_node: [b]', { preferredNodes: ['a'], blockedNodes: ['b'] }],
    [
      '<replicationPolicy><blockedMemberNode> <![CDATA[a&b]]>&lt;&#x41; </blockedMemberNode></replicationPolicy>',
      { blockedNodes: ['a&b<A'] },
    ],
  ])('is complete however little it says: %s', (text, said) => {
    expect(inObject(text)).toEqual({
      replicationAllowed: true,
      numberReplicas: 3,
      preferredNodes: [],
      blockedNodes: [],
      ...said,
    });
  });
});

describe('the policy of a store', () => {
  const published = {
    replicate: false,
    maxObjectBytes: 524_288_000,
    spaceAllocatedBytes: 1_099_511_627_776,
    allowedNodes: ['urn:node:KNB', 'urn:node:ESA', 'urn:node:SANPARKS'],
    allowedFormats: ['FGDC-STD-001.1-1999', 'eml://ecoinformatics.org/eml-2.1.1', 'text/csv'],
  };

  it('is read from XML as it is published, which does not say that the store volunteers', () => {
    expect(inNode(NODE_XML)).toEqual(published);
  });

  it('is read from YAML, and from XML that says that the store volunteers', () => {
    expect(inNode(NODE_YAML)).toEqual({ ...published, replicate: true });
    expect(inNode(NODE_XML.replace('Policy>', 'Policy replicate="true">'))).toEqual({ ...published, replicate: true });
  });

  it('is XML as it is published, with what is said of the node around it', () => {
    const path = ['profiles', 'knb', 'accepts'];
    for (const replicate of [true, false])
      expect(readAcceptancePolicy({ replicate, policy: NODE_XML }, path)).toEqual({
        value: { ...published, replicate },
        findings: [],
      });
    expect(readAcceptancePolicy({ policy: NODE_XML }, path).value).toEqual(published);
    const volunteering = NODE_XML.replace('Policy>', 'Policy replicate="true">');
    expect(readAcceptancePolicy({ replicate: false, policy: volunteering }, path).value).toEqual(published);
  });

  it.each([
    [{ policy: 'max_object_size: 3' }, 'policy', 'is no XML'],
    [{ policy: '<nodeReplicationPolicy><maxSize/></nodeReplicationPolicy>' }, 'policy', 'is XML with mistakes'],
    [{ policy: '<nodeReplicationPolicy/>', max_object_size: 3 }, 'max_object_size', 'is not a key'],
    [{ policy: {} }, 'policy', 'must be'],
    [{ policy: '<nodeReplicationPolicy/>', replicate: 'perhaps' }, 'replicate', ''],
  ])('around a policy nothing else is said: %j', (input, key, message) => {
    const { value, findings } = readAcceptancePolicy(input, ['accepts']);
    expect(value).toBeUndefined();
    expect(findings).toEqual([expect.objectContaining({ path: ['accepts', key] })]);
    expect(findings[0]?.message).toContain(message);
  });

  it.each(['{}', '<nodeReplicationPolicy/>', 'allowed_node: []\nmax_object_size:'])(
    'has no limits where it says none: %s',
    (text) => {
      expect(inNode(text)).toEqual({ replicate: false, allowedNodes: [], allowedFormats: [] });
    },
  );

  it('is a section of a configuration too, whose problems have their place there', () => {
    const path = ['profiles', 'knb', 'accepts'];
    expect(readAcceptancePolicy({ replicate: true, allowed_node: ['a'] }, path)).toEqual({
      value: { replicate: true, allowedNodes: ['a'], allowedFormats: [] },
      findings: [],
    });
    expect(readAcceptancePolicy(NODE_XML, path)).toEqual({ value: published, findings: [] });
    expect(
      readAcceptancePolicy(NODE_XML.replace('524288000', 'x').replaceAll('spaceAllocated', 'spaceGiven'), path),
    ).toEqual({
      value: undefined,
      findings: [
        {
          path,
          message: expect.stringMatching(
            /^is XML with mistakes: line 3: "x" is not a size.*; line 4: spaceGiven is not an element/,
          ),
          remedy: expect.any(String),
        },
      ],
    });
    expect(readAcceptancePolicy(OBJECT_XML, path).findings).toMatchObject([
      { message: 'is XML with mistakes: line 2: the text is <replicationPolicy>, and not <nodeReplicationPolicy>' },
    ]);
    expect(readAcceptancePolicy('everything', path).findings).toMatchObject([
      { path, message: 'must be a section with keys of its own' },
    ]);
    expect(readAcceptancePolicy({ max_object_size: 'x' }, path).findings).toMatchObject([
      { path: [...path, 'max_object_size'] },
    ]);
    expect(readReplicationPolicy({ blocked_member_node: ['a', 'b', 'a'] }, path)).toEqual({
      value: undefined,
      findings: [{ path: [...path, 'blocked_member_node', 2], message: 'repeats "a"', remedy: 'keep one of the two' }],
    });
  });
});

describe('a policy in YAML is refused with every reason:', () => {
  it.each([
    [
      'an unknown key',
      inObject,
      'number_of_replicas: 2',
      'number_of_replicas: number_of_replicas is not a key that Pando knows here',
    ],
    [
      'a number that is none',
      inObject,
      'number_replicas: many',
      'number_replicas: "many" must be a whole number from 0 to 10000',
    ],
    [
      'a negative number',
      inObject,
      'number_replicas: -1',
      'number_replicas: -1 must be a whole number from 0 to 10000',
    ],
    ['a fraction', inObject, 'number_replicas: 1.5', 'number_replicas: 1.5 must be a whole number from 0 to 10000'],
    [
      'a flag that is none',
      inObject,
      'replication_allowed: maybe',
      'replication_allowed: "maybe" must be true or false',
    ],
    [
      'a node instead of a list',
      inObject,
      'blocked_member_node: a',
      'blocked_member_node: blocked_member_node must be a list',
    ],
    [
      'a node that is a number',
      inObject,
      'blocked_member_node: [7]',
      'blocked_member_node[0]: entry [0] must be text, and is a number',
    ],
    ['a node twice', inObject, 'blocked_member_node: [a, a]', 'blocked_member_node[1]: entry [1] repeats "a"'],
    [
      'a key twice',
      inNode,
      'replicate: true\nreplicate: false',
      'replicate: replicate is written twice, first on line 1',
    ],
    [
      'a size that is none',
      inNode,
      'max_object_size: big',
      'max_object_size: "big" is not a size: write a number of bytes, or a number with a unit such as 10M, 1TB or 16MiB',
    ],
    ['text', inNode, 'hello', ': the file must be a section with keys of its own'],
    ['nothing', inNode, ' \n', ': the file has no value'],
  ])('%s', (_, read, text, expected) => {
    expect(briefly(problemsOf(read, text))).toEqual([expected]);
  });
});
