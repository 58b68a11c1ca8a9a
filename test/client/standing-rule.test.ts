import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRules, StorageClient, StorageClientConfig } from '../../src/index.ts';
import { texts, write } from '../sync/trees.ts';

test('the rule of a profile is the replicas that its configuration names, to the last one; what ends deletes nothing', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-standing-rule-'));
  const provider = (name: string) => `storage_provider: {type: file, options: {base_path: ${root}/${name}}}`;
  const configure = (...replicas: string[]): string => {
    const entries = replicas.map((name, i) => `{replica_profile: ${name}, read_priority: ${i + 1}}`);
    const data = `{${provider('data')}, replicas: [${entries.join(', ')}]}`;
    const others = ['near', 'far'].map((name) => `${name}: {${provider(name)}}`);
    return write(
      root,
      'pando.yaml',
      `catalog: sqlite:${root}/c.sqlite\nprofiles: {data: ${data}, ${others.join(', ')}}\n`,
    );
  };
  const use = async (path: string) => {
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    expect((await client.read('a')).toString()).toBe('1');
    await using opened = await openRules({ path, scope: 'data' });
    const [rules, explained] = [await opened.rules.standing('data'), await opened.explain('data:a')];
    const copies = explained.kind === 'object' ? explained.replicas : [];
    return { rules: rules.map(({ storeTitle }) => storeTitle), copies: copies.length };
  };
  try {
    for (const name of ['data', 'near', 'far']) mkdirSync(join(root, name));
    write(join(root, 'data'), 'a', '1');
    const path = configure('near', 'far');
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    await client.syncReplicas();
    expect(await use(path)).toEqual({ rules: ['near', 'far'], copies: 3 });
    expect(await use(configure('far'))).toEqual({ rules: ['far'], copies: 3 });
    expect(await use(configure())).toEqual({ rules: [], copies: 3 });
    for (const name of ['data', 'near', 'far']) expect(texts(join(root, name))).toEqual({ a: '1' });
    expect(await use(configure('near'))).toEqual({ rules: ['near'], copies: 3 });
  } finally {
    rmSync(root, { recursive: true });
  }
});
