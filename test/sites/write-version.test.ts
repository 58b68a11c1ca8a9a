import { describe, expect, it } from 'vitest';
import { writeVersion } from '../../src/engine/sites/write-version.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { SiteWorld, type TestSite } from './site-world.ts';

type Condition = Pick<Parameters<typeof writeVersion>[1], 'ifAbsent' | 'ifVersion'>;

describe('a write into a site', () => {
  it('asked for again under its condition gives what it did, and is not refused by its own effect', async () => {
    await using world = await SiteWorld.open(['a']);
    const { a } = world.sites;
    const operation = a.operations.next();
    await write(a, operation, 'one', { ifAbsent: true });
    expect(await write(a, operation, 'one', { ifAbsent: true })).toMatchObject({ version: operation });
    const second = a.operations.next();
    await write(a, second, 'two', { ifVersion: operation });
    expect(await write(a, second, 'two', { ifVersion: operation })).toMatchObject({ version: second });
    // What has followed it does not matter either.
    expect(await write(a, operation, 'one', { ifAbsent: true })).toMatchObject({ version: operation });
    expect(await a.read('-', 'x')).toBe('two');
  });

  it('asked for again with other bytes is refused, and nothing is changed', async () => {
    await using world = await SiteWorld.open(['a']);
    const { a } = world.sites;
    const operation = a.operations.next();
    await write(a, operation, 'one');
    await expect(write(a, operation, 'two')).rejects.toMatchObject({ kind: 'refused' });
    expect(await a.read('-', 'x')).toBe('one');
  });

  it('under a condition is refused though somebody has written the same bytes meanwhile', async () => {
    await using world = await SiteWorld.open(['a']);
    const { a } = world.sites;
    const operations = [a.operations.next(), a.operations.next()];
    for (const _ of ['at first', 'asked for again']) {
      const outcomes = await Promise.allSettled(operations.map((one) => write(a, one, 'same', { ifAbsent: true })));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find((one) => one.status === 'rejected')?.reason).toMatchObject({ kind: 'condition' });
    }
  });

  it('at the same moment as another one follows it, and leaves no bytes that nobody knows of', async () => {
    await using world = await SiteWorld.open(['a']);
    const { a } = world.sites;
    const both = [a.operations.next(), a.operations.next()];
    const outcomes = await Promise.all(both.map((one) => write(a, one, 'same')));
    expect(outcomes.map(({ version }) => version)).toEqual(both);
    const [page] = await Array.fromAsync(a.store.storage.list(''));
    const row = await a.catalog.readObject('-', 'x');
    const known = row?.replicas.map(({ place }) => place);
    expect(known).toHaveLength(2);
    expect(page?.objects.map(({ key }) => key).sort()).toEqual(known?.sort());
    expect(both).toContain(row?.current.operation);
    expect(await a.read('-', 'x')).toBe('same');
  });
});

function write({ catalog, operations, store }: TestSite, operation: string, text: string, condition: Condition = {}) {
  const ports = { catalog, clock: systemClock, operations };
  return writeVersion(ports, { scope: '-', name: 'x', store, body: Buffer.from(text), operation, ...condition });
}
