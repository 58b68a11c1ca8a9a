import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StorageClient } from '../../src/client/storage-client.ts';
import { ConfigurationError } from '../../src/config/problem.ts';
import { StorageClientConfig } from '../../src/client/storage-client-config.ts';

test('a client of a configuration file reads from directories, fills the replica and leaves it equal', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pando-from-file-'));
  try {
    for (const name of ['source', 'replica']) await mkdir(join(root, name));
    await writeFile(join(root, 'source', 'my-file.txt'), 'hello');
    const path = join(root, 'pando.yaml');
    await writeFile(
      path,
      `catalog: sqlite:${root}/catalog.sqlite
profiles:
  my-dataset:
    storage_provider: {type: file, options: {base_path: ${root}/source}}
    replicas: [{replica_profile: near, read_priority: 1}]
  near:
    storage_provider: {type: file, options: {base_path: ${root}/replica}}
`,
    );
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset', path }));
    expect((await client.read('my-file.txt')).toString()).toBe('hello');
    expect(await client.flush()).toMatchObject({ pending: [], failed: [] });
    expect(await readFile(join(root, 'replica', 'my-file.txt'), 'utf8')).toBe('hello');
    await client.write('my-file.txt', 'changed');
    expect((await client.read('my-file.txt')).toString()).toBe('changed');
    await client.flush();
    expect(await readFile(join(root, 'replica', 'my-file.txt'), 'utf8')).toBe('changed');
    expect(await client.info('my-file.txt')).toMatchObject({ servedBy: 'near' });
    await client.delete('my-file.txt');
    await expect(readFile(join(root, 'replica', 'my-file.txt'))).rejects.toThrow('ENOENT');
    await expect(readFile(join(root, 'source', 'my-file.txt'))).rejects.toThrow('ENOENT');
    const find = (profile: string) => () => StorageClientConfig.fromFile({ profile, path });
    expect(find('nothing')).toThrow(ConfigurationError);
    expect(find('nothing')).toThrow('use one of my-dataset, near');
    expect(find('nera')).toThrow('did you mean near?');
  } finally {
    await rm(root, { recursive: true });
  }
});
