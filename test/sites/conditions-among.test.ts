import { describe, expect, it } from 'vitest';
import { deleteOwn } from '../../src/engine/sites/delete-own.ts';
import { ObjectError } from '../../src/engine/object-error.ts';
import type { UnderPolicy } from '../../src/engine/sites/write-among.ts';
import { writeVersion } from '../../src/engine/sites/write-version.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { SiteWorld, type TestSite } from './site-world.ts';

const under: UnderPolicy = { policy: 'keep-both', named: undefined };
const object = { scope: 's', name: 'x' };

/** A site with two versions of an object that did not see each other, and the one that is served. */
async function withConflict(world: SiteWorld): Promise<{ readonly site: TestSite; readonly served: string }> {
  const [a, b] = [world.sites['a'] as TestSite, world.sites['b'] as TestSite];
  await a.put('s', 'x', 'of a');
  await b.put('s', 'x', 'of b');
  await world.connect('b', 'a');
  await world.settle();
  const row = await a.catalog.readObject('s', 'x');
  expect(row?.siblings).toBeDefined();
  return { site: a, served: row?.current.operation ?? '' };
}

function put({ operations, store }: TestSite, catalog: Catalog, text: string, ifVersion?: string) {
  const ports = { catalog, clock: systemClock, operations };
  return writeVersion(ports, { ...object, store, body: Buffer.from(text), under, ifVersion });
}

/** Somebody else writes just before it is looked which versions there are. */
function overtaken(site: TestSite): Catalog {
  let isOver = false;
  const readConflict: Catalog['readConflict'] = async (asked) => {
    if (!isOver) {
      isOver = true;
      await put(site, site.catalog, 'of another');
    }
    return site.catalog.readConflict(asked);
  };
  return new Proxy(site.catalog, {
    get: (target, name) => {
      const value: unknown = name === 'readConflict' ? readConflict : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('under a condition, among versions that did not see each other', () => {
  it('a write is refused where what is served has changed before it was seen what it follows', async () => {
    await using world = await SiteWorld.open(['a', 'b']);
    const { site, served } = await withConflict(world);
    await expect(put(site, overtaken(site), 'too late', served)).rejects.toMatchObject({ kind: 'condition' });
    expect(await site.read('s', 'x')).toBe('of another');
    await put(site, site.catalog, 'in time', (await site.catalog.readObject('s', 'x'))?.current.operation);
    expect(await site.read('s', 'x')).toBe('in time');
  });

  it('so is a delete', async () => {
    await using world = await SiteWorld.open(['a', 'b']);
    const { site, served } = await withConflict(world);
    const ports = { catalog: overtaken(site), clock: systemClock, operations: site.operations };
    const onlyIf = (row?: { readonly current: { readonly operation: string } }) =>
      row?.current.operation === served ? undefined : 'it is another';
    await expect(deleteOwn(ports, { object, onlyIf, ...under })).rejects.toBeInstanceOf(ObjectError);
    expect(await site.read('s', 'x')).toBe('of another');
  });
});
