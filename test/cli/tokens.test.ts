import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('the first token tells whom it shuts out, and no other does', async () => {
  using box = new Sandbox();
  const create = async (name: string, ...more: string[]): Promise<string> =>
    (await box.run(['token', 'create', name, ...more])).stderr;
  expect(await create('site', '--rights', 'peer')).not.toContain('the first');
  const first = await create('ci', '--rights', 'admin', '--scope', 'builds');
  expect(first).toContain('every request to pando server needs a token');
  expect(first).toContain('pando token create NAME --rights admin');
  expect(await create('other', '--rights', 'read')).toBe('keep it: it is not shown again\n');
  expect(await box.run(['token', 'revoke', 'ci'])).toMatchObject({ code: 0 });
  expect(await box.run(['token', 'revoke', 'other'])).toMatchObject({ code: 0 });
  const admin = await create('boss', '--rights', 'admin', '--json');
  expect(admin).toContain('every request to pando server needs a token');
  expect(admin).not.toContain('the right admin');
});
