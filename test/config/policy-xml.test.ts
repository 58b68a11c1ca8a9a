import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/config/problem.ts';
import type { ConfigurationProblem } from '../../src/config/problem.ts';
import { parseAcceptancePolicy, parseReplicationPolicy } from '../../src/config/replication-policies.ts';
import { errorOf } from './configure.ts';

const inObject = (text: string) => parseReplicationPolicy(text, 'policy');
const inNode = (text: string) => parseAcceptancePolicy(text, 'policy');
const problemsOf = (read: (text: string) => unknown, text: string): readonly ConfigurationProblem[] =>
  errorOf(() => read(text)).problems;

describe('a policy in XML is refused with what is wrong, where, and how to mend it:', () => {
  const around = (inner: string) => `<replicationPolicy>\n  ${inner}\n</replicationPolicy>`;
  const aroundNode = (inner: string) => `<nodeReplicationPolicy>\n  ${inner}\n</nodeReplicationPolicy>`;

  it.each<[string, (text: string) => unknown, string, Partial<ConfigurationProblem>]>([
    [
      'a document type',
      inObject,
      '<?xml version="1.0"?>\n<!DOCTYPE replicationPolicy SYSTEM "file:///etc/passwd">\n<replicationPolicy/>',
      {
        line: 2,
        column: 1,
        message: 'the text has a document type (<!DOCTYPE …>)',
        remedy: 'remove it: neither it nor the entities in it are read',
      },
    ],
    [
      'entities that grow',
      inObject,
      `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">${'bcdefghij'.replace(/./g, (c, i) => `<!ENTITY ${c} "${`&${'abcdefghij'[i]};`.repeat(10)}">`)}]>${around('<blockedMemberNode>&j;</blockedMemberNode>')}`,
      { line: 1, column: 1, message: 'the text has a document type (<!DOCTYPE …>)' },
    ],
    [
      'an entity of a file',
      inObject,
      `<!-- x -->\n<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${around('<blockedMemberNode>&a;</blockedMemberNode>')}`,
      { line: 2, column: 1, message: 'the text has a document type (<!DOCTYPE …>)' },
    ],
    [
      'an entity that nothing defines',
      inObject,
      around('<blockedMemberNode>&a;</blockedMemberNode>'),
      {
        line: 2,
        column: 22,
        message: 'the text has the entity &a;, which nothing defines',
        remedy: 'write the character itself; only &lt; &gt; &amp; &quot; &apos; and &#…; are known',
      },
    ],
    [
      'an entity named like something of JavaScript',
      inObject,
      around('<blockedMemberNode>&constructor;</blockedMemberNode>'),
      { message: 'the text has the entity &constructor;, which nothing defines' },
    ],
    [
      'an unknown element',
      inObject,
      around('<preferedMemberNode>a</preferedMemberNode>'),
      {
        path: 'replicationPolicy.preferedMemberNode',
        line: 2,
        column: 3,
        message: 'preferedMemberNode is not an element that Pando knows here',
        remedy: 'did you mean preferredMemberNode?',
      },
    ],
    [
      'an unknown attribute',
      inObject,
      '<replicationPolicy\n  numberReplica="2"/>',
      {
        path: 'replicationPolicy.numberReplica',
        line: 2,
        column: 3,
        message: 'numberReplica is not an attribute that Pando knows here',
        remedy: 'did you mean numberReplicas?',
      },
    ],
    [
      'an attribute of an entry',
      inObject,
      around('<blockedMemberNode a="b">x</blockedMemberNode>'),
      {
        path: 'replicationPolicy.blockedMemberNode',
        message: 'a is not an attribute that Pando knows here',
        remedy: 'remove it',
      },
    ],
    [
      '__proto__',
      inObject,
      around('<__proto__>a</__proto__>'),
      { message: '__proto__ is not an element that Pando knows here' },
    ],
    [
      'another number than a whole one',
      inObject,
      '<replicationPolicy\n  numberReplicas="2.5"/>',
      {
        path: 'replicationPolicy.numberReplicas',
        line: 2,
        column: 3,
        message: '"2.5" must be a whole number from 0 to 10000',
        remedy: 'write digits only',
      },
    ],
    [
      'a number out of all proportion',
      inObject,
      '<replicationPolicy numberReplicas="1e9"/>',
      { message: '"1e9" must be a whole number from 0 to 10000' },
    ],
    [
      'a flag that is none',
      inObject,
      '<replicationPolicy replicationAllowed="yes"/>',
      { path: 'replicationPolicy.replicationAllowed', message: '"yes" must be true or false' },
    ],
    [
      'an attribute twice',
      inObject,
      '<replicationPolicy numberReplicas="1" numberReplicas="2"/>',
      { line: 1, message: 'the text is not well-formed XML: duplicate attribute: numberReplicas' },
    ],
    [
      'a node twice',
      inObject,
      around('<blockedMemberNode>a</blockedMemberNode>\n  <blockedMemberNode>a</blockedMemberNode>'),
      {
        path: 'replicationPolicy.blockedMemberNode[1]',
        line: 3,
        column: 3,
        message: 'entry [1] repeats "a"',
        remedy: 'keep one of the two',
      },
    ],
    [
      'an empty node',
      inObject,
      around('<blockedMemberNode/>'),
      { path: 'replicationPolicy.blockedMemberNode[0]', line: 2, column: 3, message: 'entry [0] is empty' },
    ],
    [
      'elements in a node',
      inObject,
      around('<blockedMemberNode><a/></blockedMemberNode>'),
      { path: 'replicationPolicy.blockedMemberNode', line: 2, message: 'blockedMemberNode has elements in it' },
    ],
    [
      'text beside elements',
      inObject,
      '<replicationPolicy>two</replicationPolicy>',
      { path: 'replicationPolicy', message: 'replicationPolicy has text between its elements' },
    ],
    [
      'the other policy',
      inObject,
      '\n    <nodeReplicationPolicy/>',
      {
        line: 2,
        column: 5,
        message: "this looks like what a store accepts, and is read as an object's policy",
        remedy: 'add --store',
      },
    ],
    [
      'an element that is not closed',
      inObject,
      '<replicationPolicy>\n<blockedMemberNode>a\n</replicationPolicy>',
      {
        line: 3,
        column: 1,
        message: 'the text is not well-formed XML: missing end tag for element blockedMemberNode',
        remedy: 'mend it here or just above',
      },
    ],
    [
      'text behind it',
      inObject,
      '<replicationPolicy/><replicationPolicy/>',
      { line: 1, column: 21, message: 'the text is not well-formed XML: extra content at the end of the document' },
    ],
    ['elements without end', inObject, '<a>'.repeat(80_000), { message: 'the text nests elements beyond all measure' }],
    [
      'a limit twice',
      inNode,
      aroundNode('<maxObjectSize>1</maxObjectSize>\n<maxObjectSize>1</maxObjectSize>'),
      {
        path: 'nodeReplicationPolicy.maxObjectSize',
        line: 3,
        column: 1,
        message: 'maxObjectSize is written twice, first on line 2',
        remedy: 'keep one of the two',
      },
    ],
    [
      'a size that is none',
      inNode,
      aroundNode('<maxObjectSize>big</maxObjectSize>'),
      {
        path: 'nodeReplicationPolicy.maxObjectSize',
        line: 2,
        column: 3,
        message: '"big" is not a size: write a number of bytes, or a number with a unit such as 10M, 1TB or 16MiB',
        remedy: 'write a size from 0 to 9PB',
      },
    ],
    [
      'a negative size',
      inNode,
      aroundNode('<spaceAllocated>-1</spaceAllocated>'),
      { path: 'nodeReplicationPolicy.spaceAllocated', message: '"-1" is not a size: it is negative' },
    ],
    [
      'a size that no number holds',
      inNode,
      aroundNode('<spaceAllocated>18446744073709551615</spaceAllocated>'),
      { message: '"18446744073709551615" is not a size: it is more than 9007199254740991 bytes' },
    ],
    [
      '10 MB of it',
      inNode,
      aroundNode('<allowedNode>a</allowedNode>'.repeat(400_000)),
      {
        path: '',
        file: 'policy',
        message: 'the text is longer than 256 KiB, and no policy',
        remedy: 'name a YAML file, or an XML file with <nodeReplicationPolicy>',
      },
    ],
  ])('%s', (_, read, text, expected) => {
    const [problem, ...others] = problemsOf(read, text);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ file: 'policy', ...expected });
  });

  it('as one message, which names the file and the line', () => {
    expect(() => parseReplicationPolicy(around('<blockedNode/>'), 'a/policy.xml')).toThrow(
      'The policy has one problem:\n' +
        '  a/policy.xml:2:3  replicationPolicy.blockedNode\n' +
        '    blockedNode is not an element that Pando knows here\n' +
        '    → use one of preferredMemberNode, blockedMemberNode',
    );
  });

  it('all at once, in the order of the text, and at most twenty of them', () => {
    const text = aroundNode('<maxObjectSize>x</maxObjectSize>\n<a/>\n<spaceAllocated>y</spaceAllocated>');
    expect(problemsOf(inNode, text).map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(problemsOf(inNode, aroundNode('<a/>'.repeat(50_000)))).toHaveLength(20);
    expect(problemsOf(inNode, aroundNode('<allowedNode>a</allowedNode>'.repeat(9000)))).toHaveLength(20);
  });

  it('without quoting what is too long for a message', () => {
    const long = 'x'.repeat(100_000);
    for (const text of [
      `<replicationPolicy ${long}=""/>`,
      `<${long}/>`,
      around(`&${long};`),
      around(`<${long}/>`),
      `<replicationPolicy numberReplicas="${long}"/>`,
    ]) {
      for (const { path, message } of problemsOf(inObject, text))
        expect(path.length + message.length).toBeLessThan(300);
    }
  });
});

describe('whatever the text,', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '/',
    '"',
    '=',
    '&',
    ';',
    '!',
    '?',
    '-',
    '[',
    ']',
    ' ',
    '\n',
    '\r',
    '\0',
    'a',
    '2',
    '\u{1F600}',
    '\uD800',
    'replicationPolicy',
    'numberReplicas',
    'blockedMemberNode',
    '<!DOCTYPE',
    '<![CDATA[',
    '<!--',
    '-->',
    '&amp;',
    '<blockedMemberNode>a</blockedMemberNode>',
    '<replicationPolicy>',
    '</replicationPolicy>',
  );

  it('it is a policy or its problems are told', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = `<${pieces.join('')}`;
        try {
          expect(inObject(text)).toMatchObject({
            replicationAllowed: expect.any(Boolean),
            numberReplicas: expect.any(Number),
          });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError);
          for (const { message, remedy } of (error as ConfigurationError).problems) {
            expect([message, remedy]).not.toContain('');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a policy says the same in YAML and in XML', () => {
    const node = fc.stringMatching(/^[a-z][a-z:&<>"' ]{0,9}[a-z]$/);
    const nodes = fc.uniqueArray(node, { maxLength: 4 });
    const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const list = (name: string, all: readonly string[]) =>
      all.map((one) => `<${name}>${escape(one)}</${name}>`).join('\n');
    fc.assert(
      fc.property(fc.boolean(), fc.nat(10_000), nodes, nodes, (allowed, number, preferred, blocked) => {
        const said = {
          replication_allowed: allowed,
          number_replicas: number,
          preferred_member_node: preferred,
          blocked_member_node: blocked,
        };
        const xml = `<replicationPolicy replicationAllowed="${allowed}" numberReplicas="${number}">${list('preferredMemberNode', preferred)}${list('blockedMemberNode', blocked)}</replicationPolicy>`;
        expect(inObject(xml)).toEqual(inObject(JSON.stringify(said)));
      }),
    );
  });
});
