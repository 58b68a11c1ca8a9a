import { chmodSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AS_NOBODY } from '../faults/child.ts';
import { Sandbox } from './sandbox.ts';

interface Synced {
  readonly state: string;
  readonly refusal?: string;
  readonly targets: readonly { readonly title: string; readonly deleted: number; readonly heldBack: number }[];
}

test('what lies below a directory of the source that may not be listed is held back, and counts against no limit', async () => {
  using box = new Sandbox();
  box.configure();
  for (const name of ['a', 'b', 'c', 'gone', 'd/x', 'd/y', 'd/z']) box.write({ [`data/${name}`]: name });
  expect((await box.run(['sync', 'data:'])).code).toBe(0);
  rmSync(box.path('data', 'gone'));
  box.give();
  chmodSync(box.path('data', 'd'), 0);
  try {
    const sync = async (...limit: string[]): Promise<Synced & { code: number }> => {
      const words = ['sync', 'data:', '--delete-unmatched-files', '--json', ...limit];
      const { code, stdout } = await box.run(words, { before: AS_NOBODY });
      return { ...(JSON.parse(stdout) as Synced), code };
    };
    const refused = await sync('--max-delete', '14%');
    expect(refused).toMatchObject({ code: 5, state: 'refused' });
    expect(refused.refusal).toContain('1 of 7 objects');
    expect(await sync('--max-delete', '1')).toMatchObject({
      code: 1,
      targets: [
        { title: 'near', deleted: 1, heldBack: 3 },
        { title: 'far', deleted: 1, heldBack: 3 },
      ],
    });
    expect(box.list('near')).toEqual(['a', 'b', 'c', 'd/x', 'd/y', 'd/z']);
  } finally {
    chmodSync(box.path('data', 'd'), 0o755);
  }
});
