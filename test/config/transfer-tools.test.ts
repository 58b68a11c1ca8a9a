import { describe, expect, test } from 'vitest';
import { adviseOn } from '../../src/config/advice.ts';
import { parseConfiguration } from '../../src/config/load.ts';
import { ConfigurationError } from '../../src/config/problem.ts';
import { describeConfiguration } from '../../src/config/show.ts';
import { placesOf, toolsAt } from '../../src/config/tools-at-stores.ts';

const PROFILES = `profiles:
  disk:
    storage_provider: {type: file, options: {base_path: /disk}}
  near:
    storage_provider: {type: webdav, options: {url: 'https://near.example.org/a'}}
    attributes: {tier: 1}
  far:
    storage_provider: {type: file, options: {base_path: /far}}
    protocols: [{storage_provider: {type: s3, options: {base_path: bucket, endpoint_url: 'https://s3.example.org'}}}]
    attributes: {tier: 2}
`;
const SURROUNDINGS = { environment: { FTS_TOKEN: 'a-secret' }, directory: '/work', home: '/home/jdoe' };

function parse(tool: string, name = 'cern') {
  const text = `transfer_tools:\n  ${name}: {${tool}}\n${PROFILES}`;
  return parseConfiguration(text, { file: '/etc/pando.yaml', surroundings: SURROUNDINGS });
}

function problemsOf(tool: string, name?: string): readonly string[] {
  try {
    parse(tool, name);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ path, message, remedy }) => `${path}: ${message}; ${remedy}`);
  }
}

const RIGHT = 'type: fts3, endpoint: "https://fts.example.org:8446", vo: atlas';

test('a tool is as it is said, and otherwise as by default', () => {
  expect(parse(`${RIGHT}, token: "\${FTS_TOKEN}", from: "tier=1", activities: [rule]`).transferTools).toEqual([
    {
      name: 'cern',
      type: 'fts3',
      endpoint: 'https://fts.example.org:8446',
      token: { kind: 'text', text: 'a-secret' },
      vo: 'atlas',
      from: 'tier=1',
      to: '*',
      activities: ['rule'],
      schemes: expect.arrayContaining(['https', 'davs', 's3', 'root']),
      pollMs: 5_000,
      batchMax: 200,
      deadlineMs: 30_000,
    },
  ]);
  expect(parse(`${RIGHT}, token_file: token, poll: 1m, batch: 10`).transferTools).toMatchObject([
    { token: { kind: 'file', path: '/etc/token' }, pollMs: 60_000, batchMax: 10 },
  ]);
});

test('a token is shown to nobody', () => {
  const shown = JSON.stringify(describeConfiguration(parse(`${RIGHT}, token: "\${FTS_TOKEN}"`)));
  expect(shown).not.toContain('a-secret');
  expect(shown).toContain('"token":"***"');
});

describe('what is wrong is told with its place and its remedy', () => {
  test.each([
    ['type: fts3, endpoint: "https://fts.example.org"', /^transfer_tools\.cern\.vo: vo has no value/],
    [`${RIGHT}, type: globus`, /type/],
    [`${RIGHT}, endpoint: nowhere`, /endpoint/],
    [`${RIGHT}, from: "a&"`, /^transfer_tools\.cern\.from: .*is not understood/],
    [
      `${RIGHT}, to: nowhere`,
      /^transfer_tools\.cern\.to: .*means none of the profiles; name profiles \(disk, near, far\)/,
    ],
    [`${RIGHT}, token: a, token_file: b`, /token_file says again what token says; keep one of the two/],
    ['type: fts3, endpoint: "http://fts.example.org", vo: v, token: a', /not encrypted.*write https/],
    [`${RIGHT}, batch: 0`, /batch must be a whole number from 1 to 1000/],
    [`${RIGHT}, pol: 5s`, /pol is not a key.*poll/],
  ])('%s', (tool, said) => {
    expect(problemsOf(tool.replace(/type: fts3(.*), type: globus/, 'type: globus$1'))).toContainEqual(
      expect.stringMatching(said),
    );
  });

  test('a name that Pando has itself', () => {
    expect(problemsOf(RIGHT, 'local')).toEqual([expect.stringContaining('Pando has one of that name')]);
  });
});

test('stores tell which tools serve them, and by which URL', () => {
  const configuration = parse(`${RIGHT}, from: "near|far", to: far`);
  const of = (name: string) => {
    const profile = configuration.profiles[name];
    return profile === undefined ? undefined : toolsAt(profile, configuration);
  };
  expect(of('disk')).toEqual([]);
  expect(of('near')).toEqual([{ tool: 'cern', gives: true, takes: false, url: 'https://near.example.org/a/' }]);
  expect(of('far')).toEqual([{ tool: 'cern', gives: true, takes: true, url: 's3://s3.example.org/bucket/' }]);
  expect([...placesOf('tier=1', configuration.profiles)]).toEqual(['https://near.example.org/a/']);
});

test('a tool that can reach no two of its stores is worth a second look', () => {
  expect(adviseOn(parse(`${RIGHT}, to: disk`))).toEqual([expect.stringMatching(/^cern: no two of the stores/)]);
  expect(adviseOn(parse(RIGHT))).toEqual([]);
});
