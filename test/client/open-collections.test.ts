import { expect, test } from 'vitest';
import { CollectionError, openCollections, StorageClient, StorageClientConfig } from '../../src/index.ts';
import { Sandbox } from '../cli/sandbox.ts';

/** Two objects of the profile `data`, and the collections of its catalog. */
async function openWithObjects(box: Sandbox) {
  box.configure();
  box.write({ 'data/.keep': '', 'near/.keep': '', 'far/.keep': '' });
  const path = box.path('pando.yaml');
  box.write({ 'pando.yaml': `catalog: sqlite:${box.state}/catalog.sqlite\n${box.read('pando.yaml')}` });
  await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
  const written = await client.write('raw/1.csv', 'one');
  await client.write('raw/2.csv', 'two');
  return { written, opened: await openCollections({ path, scope: 'lab' }) };
}

test('a program makes datasets and containers, fills them, and asks what is in them', async () => {
  using box = new Sandbox();
  const { written, opened } = await openWithObjects(box);
  await using collections = opened;
  const { datasets, containers, objects } = collections;
  expect(await datasets.create('runs')).toBe(true);
  expect(await datasets.create('lab:runs')).toBe(false);
  const { size, sha256 } = written;
  expect(await datasets.add('runs', [{ scope: 'data', name: 'raw/1.csv', size, sha256 }])).toEqual({
    changed: 1,
    unchanged: 0,
  });
  expect(await datasets.add('runs', ['data:raw/*'])).toEqual({ changed: 1, unchanged: 1 });
  await containers.create('all', { monotonic: true });
  await containers.add('all', ['lab:r*']);
  expect(await datasets.show('runs')).toMatchObject({
    members: 2,
    content: { objects: 2, bytes: 6 },
    parents: [{ name: 'all', isMonotonic: true }],
  });
  expect((await Array.fromAsync(containers.members('all'))).map(({ name }) => name)).toEqual(['runs']);
  expect((await Array.fromAsync(datasets.list('lab'))).map(({ name }) => name)).toEqual(['runs']);

  await objects.set('data:raw/1.csv', { format: 'text/csv', rightsHolder: 'jdoe' });
  await objects.set('data:raw/1.csv', { rightsHolder: undefined });
  expect(await objects.show('data:raw/1.csv')).toMatchObject({
    version: { operation: written.version },
    content: { sha256 },
    format: 'text/csv',
    rightsHolder: undefined,
    parents: [{ name: 'runs' }],
    namesake: undefined,
  });
  expect((await Array.fromAsync(objects.list('data:'))).map(({ name }) => name)).toEqual(['raw/1.csv', 'raw/2.csv']);
  expect(await Array.fromAsync(objects.list('data:raw/2.csv'))).toMatchObject([{ size: 3 }]);
  expect(await Array.fromAsync(objects.list('data:raw/3.csv'))).toEqual([]);

  expect(await datasets.remove('runs', ['data:*2.csv', 'data:nothing'])).toEqual({ changed: 1, unchanged: 1 });
  expect(await datasets.close('runs')).toBe(true);
  expect(await datasets.close('runs')).toBe(false);
  expect(await datasets.open('runs')).toBe(true);
});

test('a refusal is a CollectionError with all reasons, each with the nearest name', async () => {
  using box = new Sandbox();
  await using collections = (await openWithObjects(box)).opened;
  const { datasets, containers, objects } = collections;
  await datasets.create('runs');
  const refused = await datasets.add('runs', ['data:raw/1.cvs', 'data:raw/2.csv', 'lab:runs']).catch((error) => error);
  expect(refused).toBeInstanceOf(CollectionError);
  expect(refused).toMatchObject({
    kind: 'refused',
    done: 0,
    problems: [
      { kind: 'unknown', name: 'raw/1.cvs', remedy: 'did you mean data:raw/1.csv?' },
      { kind: 'wrong-kind', name: 'runs' },
    ],
  });
  expect((await datasets.show('runs')).members).toBe(0);
  await expect(containers.add('runs', [])).rejects.toThrow('lab:runs is a dataset, not a container');
  await expect(datasets.show('run')).rejects.toMatchObject({
    kind: 'not-found',
    message: expect.stringContaining('did you mean lab:runs?'),
  });
  await expect(datasets.add('runs', ['data:*.xyz'])).rejects.toMatchObject({ kind: 'not-found' });
  await expect(datasets.remove('runs', ['data:raw/*'])).rejects.toThrow('no object that it has matches');
  await expect(objects.show('lab:runs')).rejects.toThrow('it is a dataset: pando dataset show lab:runs');
  await expect(objects.set('data:raw/3.csv', { format: 'x' })).rejects.toThrow('did you mean data:raw/1.csv?');
  await expect(datasets.create('data:raw/1.csv')).rejects.toMatchObject({ kind: 'refused' });
  await expect(datasets.create('lab:/runs')).rejects.toThrow('it begins with /');
});
