import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';

const examples = resolve(import.meta.dirname, '../../examples');
const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
const policy = resolve(examples, 'federation-policy.xml');

/** As they were published. */
const OBJECT_POLICY = `<replicationPolicy replicationAllowed="true" numberReplicas="2">
    <preferredMemberNode>urn:node:KNB</preferredMemberNode>
    <preferredMemberNode>urn:node:PISCO</preferredMemberNode>
    <blockedMemberNode>urn:node:SOMEBADNODE</blockedMemberNode>
</replicationPolicy>
`;
const NODE_POLICY = `<nodeReplicationPolicy>
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

const PLOTS = 'c2/07/lter/plots.csv';
const MAP = '8a/7a/lter/map.tif';

const box = new Sandbox();
/** What each command of the example said, by the command. */
const said = new Map<string, string>();

beforeAll(async () => {
  for (const node of ['knb', 'pisco', 'sanparks', 'somebadnode'])
    mkdirSync(box.path('nodes', node), { recursive: true });
  copyFileSync(resolve(examples, 'federation.yaml'), box.path('federation.yaml'));
  box.write({ 'plots.csv': 'plots', 'map.tif': 'map', 'readings.csv': 'readings', 'nodes/esa/survey.csv': '' });
  // A byte more than PISCO takes, none of which is on the disk.
  truncateSync(box.path('nodes/esa/survey.csv'), 524_288_001);
  mkdirSync(box.path('bin'));
  const script = `#!/bin/sh\nprintf '\\f%s\\n' "$*"\nexec "${process.execPath}" "${launcher}" "$@"\n`;
  writeFileSync(box.path('bin/pando'), script);
  chmodSync(box.path('bin/pando'), 0o755);
  const { stdout } = await promisify(execFile)('sh', [resolve(examples, 'federation.sh')], {
    cwd: box.root,
    env: {
      PATH: `${box.path('bin')}${delimiter}${process.env['PATH']}`,
      HOME: box.root,
      PANDO_DATA: box.state,
      PANDO_CONFIG: box.path('federation.yaml'),
    },
  });
  for (const one of stdout.split('\f').slice(1)) {
    const [command = '', ...lines] = one.split('\n');
    said.set(said.has(command) ? `${command} (again)` : command, lines.join('\n'));
  }
}, 120_000);
afterAll(() => box[Symbol.dispose]());

test('both policies are there as they were published', () => {
  expect(readFileSync(policy, 'utf8')).toBe(OBJECT_POLICY);
  const indented = NODE_POLICY.replaceAll(/^(?=.)/gm, ' '.repeat(8));
  expect(readFileSync(resolve(examples, 'federation.yaml'), 'utf8')).toContain(`policy: |\n${indented}`);
});

test('preferred nodes come first, a node that refuses the format is passed over, and the blocked one has nothing', () => {
  const copies =
    'authoritative  ESA\ncarried out    by rule N, OK\n\ncopy at   status\nESA       COMPLETED  authoritative\n';
  const shown = (object: string) => said.get(`policy show lter:${object}`)?.replace(/rule \d+/, 'rule N');
  expect(said.get('worker --until-idle')).toContain('4 done, 0 not needed any more, 0 to be tried again, 0 failed');
  expect(shown('plots.csv')?.replaceAll(/ +/g, ' ')).toMatch(
    /\nESA COMPLETED authoritative\nKNB COMPLETED\nPISCO COMPLETED\n$/,
  );
  expect(shown('map.tif')).toContain(`${copies}KNB       COMPLETED\nSANPARKS  COMPLETED\n`);
  expect(box.list('nodes/pisco')).toEqual([PLOTS]);
  expect(box.list('nodes/somebadnode').map((path) => path.slice('00/00/'.length))).toEqual(['lter/readings.csv']);
});

test.each([
  [
    'the node it comes from',
    'lter:readings.csv',
    'it takes copies from urn:node:KNB, urn:node:ESA, urn:node:SANPARKS only, and lter:readings.csv is authoritative at SOMEBADNODE',
  ],
  ['its size', 'ESA:survey.csv', 'it takes objects of up to 524288000 bytes, and ESA:survey.csv has 524288001'],
])('a plan tells that PISCO refuses an object for %s', (_what, object, why) => {
  expect(said.get(`plan rule ${object} --copies 1 --stores PISCO`)).toContain(
    `1 of 1 copy has no place (not accepting it: PISCO)\n    PISCO: ${why}\n`,
  );
});

test('a plan of a policy goes to the nodes that take it', () => {
  const links = said.get(`plan --policy ESA:survey.csv ${policy}`)?.match(/^ESA +\w+ +1 /gm) ?? [];
  expect(links.map((line) => line.replaceAll(/ +/g, ' ')).toSorted()).toEqual(['ESA KNB 1 ', 'ESA SANPARKS 1 ']);
});

test('what the loss of a node means is told before, and mended after it', () => {
  expect(existsSync(box.path('nodes/knb'))).toBe(false);
  const plan = said.get('plan --lose KNB');
  expect(plan).toContain('KNB holds copies of 2 objects');
  expect(plan).toContain('No object would be lost with it.\nTo be copied: 1 copy,');
  expect(said.get('worker --until-idle (again)')).toContain('1 done, 0 not needed any more');
  const resolved = said.get('resolve lter:plots.csv')?.match(/^\w+(?= .*file:)/gm);
  expect(resolved?.toSorted()).toEqual(['ESA', 'PISCO', 'SANPARKS']);
  expect(box.list('nodes/sanparks')).toEqual([MAP, PLOTS].toSorted());
  expect(box.read('nodes/sanparks', PLOTS)).toBe('plots');
});

test('explain says of each node why it has no copy of what is one short', () => {
  const explained = said.get('explain lter:map.tif');
  expect(explained).toContain('1 rule cannot have what it asks for yet');
  expect(explained).toMatch(/STUCK\n {2}why +1 of 2 copies has no place /);
  for (const line of [
    'SOMEBADNODE: it is blocked',
    'KNB: it takes no writes now',
    'PISCO: it takes FGDC-STD-001.1-1999, eml://ecoinformatics.org/eml-2.1.1, text/csv only, and lter:map.tif is image/tiff',
  ])
    expect(explained).toContain(line);
});
