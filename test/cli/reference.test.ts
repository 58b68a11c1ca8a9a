import { expect, test } from 'vitest';
import { renderReference } from './render-reference.ts';

test('docs/cli.md says what the commands are', async () => {
  await expect(await renderReference()).toMatchFileSnapshot('../../docs/cli.md');
});
