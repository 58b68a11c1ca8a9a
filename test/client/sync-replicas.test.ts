import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { StorageClient } from '../../src/client/storage-client.ts';
import { StorageClientConfig } from '../../src/client/storage-client-config.ts';
import { texts, write, writeAll } from '../sync/trees.ts';

/** A client of a profile with two replicas, all in directories. */
class Mirror implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-sync-replicas-'));
  readonly source = join(this.root, 'source');
  readonly replicas = ['near', 'far'].map((name) => join(this.root, name));
  readonly client: StorageClient;

  constructor() {
    for (const directory of [this.source, ...this.replicas]) mkdirSync(directory);
    const provider = (name: string) => `storage_provider: {type: file, options: {base_path: ${this.root}/${name}}}`;
    const path = write(
      this.root,
      'pando.yaml',
      `catalog: sqlite:${this.root}/catalog.sqlite
profiles:
  my-dataset:
    ${provider('source')}
    replicas: [{replica_profile: far, read_priority: 2}, {replica_profile: near, read_priority: 1}]
  near: {${provider('near')}}
  far: {${provider('far')}}
`,
    );
    this.client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset', path }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    rmSync(this.root, { recursive: true });
  }
}

describe('syncReplicas', () => {
  test('as a dry run counts what it would add and delete, and does neither', async () => {
    await using mirror = new Mirror();
    writeAll(mirror.source, { a: '1', b: '2' });
    for (const replica of mirror.replicas) writeAll(replica, { extra: 'x' });
    const deleteLimit = { kind: 'percent', percent: 100 } as const;
    const result = await mirror.client.syncReplicas({ dryRun: true, deleteUnmatchedFiles: true, deleteLimit });
    expect(result).toMatchObject({ dryRun: true, state: 'done' });
    expect(result.targets).toMatchObject([
      { title: 'near', added: 2, deleted: 1 },
      { title: 'far', added: 2, deleted: 1 },
    ]);
    for (const replica of mirror.replicas) {
      expect(texts(replica)).toEqual({ extra: 'x' });
      expect(existsSync(join(replica, '.pando'))).toBe(false);
    }
  });

  test('of a path below which nothing is fails as a source does that is not there', async () => {
    await using mirror = new Mirror();
    writeAll(mirror.source, { 'a/b': '1' });
    expect(await mirror.client.syncReplicas({ sourcePath: 'a' })).toMatchObject({ state: 'done' });
    await expect(mirror.client.syncReplicas({ sourcePath: 'nix' })).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'not-found',
    });
  });

  test('of what lies in Pando’s own directory is refused, and none of it is listed', async () => {
    await using mirror = new Mirror();
    writeAll(mirror.source, { '.pando/dark/1/x': 'set aside' });
    await expect(mirror.client.syncReplicas({ sourcePath: '.pando/dark/' })).rejects.toThrow('which is Pando');
    expect(await Array.fromAsync(await mirror.client.list('.pando/dark/'))).toEqual([]);
    expect(await Array.fromAsync(await mirror.client.glob('.pando/dark/**'))).toEqual([]);
  });

  test('from a source that is empty deletes nothing unless that is allowed', async () => {
    await using mirror = new Mirror();
    for (const replica of mirror.replicas) writeAll(replica, { a: '1', b: '2' });
    const refused = await mirror.client.syncReplicas({ deleteUnmatchedFiles: true });
    expect(refused).toMatchObject({ state: 'refused', refusal: expect.stringContaining('the source is empty') });
    for (const replica of mirror.replicas) expect(texts(replica)).toEqual({ a: '1', b: '2' });
    const deleteLimit = { kind: 'percent', percent: 100 } as const;
    const how = { deleteUnmatchedFiles: true, deleteLimit, allowEmptySource: true };
    expect(await mirror.client.syncReplicas(how)).toMatchObject({ state: 'done' });
    for (const replica of mirror.replicas) expect(texts(replica)).toEqual({});
  });

  test('brings the replicas that are chosen by their position in the order of priorities', async () => {
    await using mirror = new Mirror();
    writeAll(mirror.source, { a: '1' });
    const result = await mirror.client.syncReplicas({ replicaIndices: [0], numWorkerProcesses: 1 });
    expect(result).toMatchObject({ state: 'done', targets: [{ title: 'near', added: 1 }] });
    expect(mirror.replicas.map(texts)).toEqual([{ a: '1' }, {}]);
  });
});
