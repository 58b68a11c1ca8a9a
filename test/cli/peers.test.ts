import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('a peer is added, changed, shown and removed', async () => {
  using box = new Sandbox();
  box.write({ token: 'secret\n' });
  expect(await box.run(['peer', 'ls'])).toMatchObject({ code: 0, stderr: 'no peers: pando peer add URL\n' });
  expect(await box.run(['peer', 'add', 'https://b.example.com:8443', '--scopes', 'x,y'])).toMatchObject({ code: 0 });
  const name = 'b.example.com-8443';
  expect(await box.json('peer', 'show', name)).toMatchObject({ mode: 'async', direction: 'both', scopes: ['x', 'y'] });
  const changed = ['--url', 'https://b.example.org', '--mode', 'sync', '--direction', 'send', '--token-file', 'token'];
  expect(await box.json('peer', 'set', name, ...changed)).toMatchObject({
    name,
    url: 'https://b.example.org/',
    mode: 'sync',
    direction: 'send',
    scopes: ['x', 'y'],
  });
  expect((await box.json<{ scopes?: unknown }>('peer', 'set', name, '--all-scopes')).scopes).toBeUndefined();
  expect((await box.run(['peer', 'show', name])).stdout).toMatch(/send, sync\n +scopes +all\n/);
  expect(await box.run(['peer', 'set', name, '--url', 'b'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"b" is not where a site is') as string,
  });
  expect(await box.run(['peer', 'set', 'other', '--mode', 'sync'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('there is no peer "other"') as string,
  });
  expect(await box.run(['peer', 'set', name, '--scopes', 'x', '--all-scopes'])).toMatchObject({ code: 2 });
  expect(await box.run(['peer', 'rm', name])).toMatchObject({ code: 0 });
  expect(await box.json('peer', 'ls')).toEqual([]);
});
