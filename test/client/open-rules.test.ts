import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRules, RuleError, StorageClient, StorageClientConfig } from '../../src/index.ts';

test('a program orders copies, has them brought, and asks why', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-open-rules-'));
  const path = join(root, 'pando.yaml');
  const store = (name: string) => `  ${name}: {storage_provider: {type: file, options: {base_path: ${name}}}}\n`;
  writeFileSync(path, `catalog: sqlite:${join(root, 'catalog.sqlite')}\nprofiles:\n${store('data')}${store('far')}`);
  for (const name of ['data', 'far']) mkdirSync(join(root, name));
  try {
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    await client.write('x', Buffer.from('bytes'));
    await using opened = await openRules({ path, scope: 'data' });
    const { id, stores } = await opened.rules.add(['x'], { copies: 1, stores: 'far' });
    expect(stores).toEqual(['far']);
    await expect(opened.rules.add(['x'], { copies: 1, stores: 'far' })).rejects.toBeInstanceOf(RuleError);
    await opened.work();
    expect(await opened.explain(String(id))).toMatchObject({ kind: 'rule', rule: { state: 'OK' }, waiting: [] });
    expect(await opened.resolve('x')).toMatchObject({ replicas: [{ store: 'data' }, { store: 'far' }] });
    expect(readdirSync(join(root, 'far'))).not.toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
