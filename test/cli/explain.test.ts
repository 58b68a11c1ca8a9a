import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, Sandbox } from './sandbox.ts';

const store = (name: string, more = ''): string =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n${more}`;
const PROFILES = `profiles:
${store('data')}${store('hidden')}${store('ch')}${store('us')}${store('small', '    accepts: {max_object_size: 3}\n')}${store('closed')}`;

/** One object and one rule for each reason why a rule cannot have what it asks for; a worker has tried all of them. */
const box = new Sandbox();
const rules = new Map<string, number>();
let worked: Ran;
beforeAll(async () => {
  box.write({
    'pando.yaml': PROFILES,
    'hidden/.keep': '',
    'ch/.keep': '',
    'us/.keep': '',
    'small/.keep': '',
    'closed/.keep': '',
    'data/.keep': '',
  });
  for (const object of ['data:x', 'hidden:y'])
    expect(await box.run(['put', '-', object], { input: 'twenty bytes of text' })).toMatchObject({ code: 0 });
  await box.run(['quota', 'set', 'poor', 'us', '19']);
  await box.run(['store', 'set', 'closed', '--no-write']);
  await box.run(['store', 'set', 'hidden', '--no-read']);
  const orders: Readonly<Record<string, readonly string[]>> = {
    'no store': ['data:x', '--copies', '2', '--stores', 'ch'],
    'no source': ['hidden:y', '--copies', '1', '--stores', 'ch'],
    quota: ['data:x', '--copies', '1', '--stores', 'us', '--account', 'poor'],
    refused: ['data:x', '--copies', '1', '--stores', 'small'],
    'write-blocked': ['data:x', '--copies', '1', '--stores', 'closed'],
    'write-blocked later': ['data:x', '--copies', '1', '--stores', 'closed|closed', '--ignore-availability'],
  };
  for (const [reason, order] of Object.entries(orders)) {
    rules.set(reason, (await box.json<{ id: number }>('rule', 'add', ...order)).id);
  }
  worked = await box.run(['worker', '--until-idle']);
});
afterAll(() => box[Symbol.dispose]());

/** When it is looked at or tried again, as a moment and from now. */
const WHEN = String.raw`\d{4}-\d\d-\d\dT[\d:]+Z, in [\dhms]+`;

test.each([
  [
    'no store',
    'data:x',
    'look',
    '1 of 2 copies has no place (outside the expression: closed, data, hidden, small, us)',
  ],
  ['no source', 'hidden:y', 'try', 'no store can give it (hidden: it may not be read, or has no protocol for it)'],
  ['quota', 'data:x', 'look', '1 of 1 copy has no place (without quota for it: us)'],
  ['refused', 'data:x', 'look', '1 of 1 copy has no place (not accepting it: small)'],
  ['write-blocked', 'data:x', 'look', '1 of 1 copy has no place (not taking writes now: closed)'],
  [
    'write-blocked later',
    'data:x',
    'try',
    'closed: it takes no writes now: pando store set closed --write, or --as-configured',
  ],
] as const)(
  '%s: of its rule and of its object, pando explain tells why in one sentence, and when it is tried next',
  async (reason, object, next, why) => {
    const id = rules.get(reason) ?? 0;
    const sentence = RegExp.escape(why);
    const [ofRule, ofObject] = await Promise.all([box.run(['explain', String(id)]), box.run(['explain', object])]);
    expect([ofRule.code, ofObject.code]).toEqual([0, 0]);
    const told = new RegExp(`^  why +${sentence}\n  next ${next} +${WHEN}$`, 'm');
    expect(ofObject.stdout).toMatch(told);
    // Of a rule's copies that have a place it sums up what they wait for.
    expect(ofRule.stdout).toMatch(next === 'look' ? told : new RegExp(` ${WHEN} +${sentence}$`, 'm'));
    if (reason !== 'no source') return;
    expect(ofRule.stdout).toMatch(new RegExp(` STUCK +[\\dhms]+ +${WHEN} `));
    expect(ofObject.stdout).toMatch(/^ {2}stuck +[\dhms]+ in all$/m);
  },
);

test('a worker tells how many it could not bring, and by its exit code that something is left', () => {
  expect(worked).toMatchObject({ code: 1, stdout: expect.stringContaining('1 to be tried again, 1 failed') });
});
