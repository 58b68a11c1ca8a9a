import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('what asks for nothing there is says so: a scope nobody knows, a range beyond the end', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'abcdef', 'data/empty': '' });
  await box.run(['sync', 'data:']);
  for (const words of [
    ['object', 'ls', 'dta:'],
    ['object', 'ls', 'dta:**/*.csv'],
    ['object', 'ls', 'a', '--scope', 'dta'],
    ['conflict', 'ls', '--scope', 'dta'],
  ])
    expect(await box.run(words)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/"dta" is neither a profile nor a scope .*\n  → did you mean data\?/),
    });
  expect(await box.run(['object', 'ls', 'data:*.csv'])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await box.run(['conflict', 'ls', '--scope', 'data'])).toMatchObject({ code: 0 });
  expect(await box.run(['cat', 'data:a', 'data:a', '--range', '100-200'])).toEqual({
    code: 1,
    stdout: '',
    stderr: 'pando: data:a: it has no byte in that range\n'.repeat(2),
  });
  expect(await box.run(['cat', 'data:a', '--range', '4-200'])).toEqual({ code: 0, stdout: 'ef', stderr: '' });
  expect(await box.run(['cat', 'data:empty'])).toEqual({ code: 0, stdout: '', stderr: '' });
});
