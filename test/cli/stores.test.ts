import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const PROFILES = `profiles:
  cern:
    storage_provider: { type: file, options: { base_path: cern } }
    site: CERN-PROD
    attributes: { country: ch, tier: 0, T1: true }
  bnl:
    storage_provider: { type: file, options: { base_path: bnl } }
    kind: tape
    attributes: { country: us, tier: 1 }
    availability: { write: false }
`;

async function stores(box: Sandbox, ...args: readonly string[]): Promise<string[]> {
  return (await box.json<{ name: string }[]>('store', 'ls', ...args)).map(({ name }) => name);
}

test('store ls lists what an expression means, and says what may not be meant so', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': PROFILES });
  expect(await stores(box)).toEqual(['cern', 'bnl']);
  expect(await stores(box, 'T1')).toEqual(['cern']);
  expect(await stores(box, 'kind=tape|tier<1')).toEqual(['cern', 'bnl']);
  expect(await stores(box, '*\\cern')).toEqual(['bnl']);
  expect(await box.run(['store', 'ls', 'T1|country=us&kind=tape'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('this is (T1|country=us)&kind=tape'),
  });
  expect(await box.run(['store', 'ls', 'countri=ch'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('did you mean country?'),
  });
  expect(await box.run(['store', 'ls', 'T1&'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is not understood at character 4'),
  });
});

test('store show tells all that rules know of one', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': PROFILES });
  expect(await box.json('store', 'show', 'bnl')).toMatchObject({
    name: 'bnl',
    type: 'file',
    kind: 'tape',
    availability: { read: true, write: false, delete: true },
    attributes: { kind: 'tape', country: 'us', tier: 1 },
  });
  expect(await box.run(['store', 'show', 'bnll'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean bnl?'),
  });
});
