import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../domain/object/key.ts';
import type { RecordedQuery, ScanPage, ScanQuery } from '../../ports/catalog-scan.ts';
import { type CatalogContract, contentOf, expectKind, replicaAt, type TestScope } from './harness.ts';

/** Duties of `scanScope`. */
export function describeScanning(contract: CatalogContract): void {
  describe('scanScope', () => {
    it('tells names in the order of their UTF-8 bytes', async () => {
      const scope = await contract.openScope();
      const names = [
        'b',
        'a',
        'Z',
        'ä',
        'a/b',
        'a b',
        'a-b',
        'a0',
        '\u{ffff}',
        '\u{10000}',
        '\u{1f333}',
        '\u{e000}',
        '~',
      ];
      await contract.record(...names.map((name) => contract.put(scope, name)));
      const page = await scan(scope);
      expect(page.names).toEqual(names.toSorted(compareKeys));
      expect(page.next).toBeUndefined();
    });

    it('gives pages that join without gap or double, whatever their size', async () => {
      const scope = await contract.openScope();
      const names = Array.from({ length: 100 }, (_, at) => `n${at}`);
      await contract.record(...names.map((name) => contract.put(scope, name)));
      for (const limit of [1, 7, 99, 100, 101]) {
        expect(await scanAll(scope, { limit })).toEqual(names.toSorted(compareKeys));
      }
    });

    it('tells the last page by its `next`', async () => {
      const scope = await contract.openScope();
      await contract.record(contract.put(scope, 'a'), contract.put(scope, 'b'));
      expect((await scan(scope, { limit: 1 })).next).toBe('a');
      expect((await scan(scope, { limit: 2 })).next).toBeUndefined();
      expect((await scan(scope, { after: 'b' })).names).toEqual([]);
    });

    it('keeps to a prefix, which is bytes and no pattern', async () => {
      const scope = await contract.openScope();
      const names = ['a', 'a%', 'a_', 'ab', 'b', 'é', 'é/1', 'ê', '\u{ffff}1', '\u{10ffff}', '\u{10ffff}1'];
      await contract.record(...names.map((name) => contract.put(scope, name)));
      for (const prefix of ['', 'a', 'a%', 'a_', 'é', 'é/', '\u{ffff}', '\u{10ffff}', 'nothing']) {
        const expected = names.filter((name) => name.startsWith(prefix)).toSorted(compareKeys);
        expect((await scan(scope, { prefix })).names).toEqual(expected);
      }
      expect((await scan(scope, { prefix: 'a', after: 'a%' })).names).toEqual(['a_', 'ab']);
      expect((await scan(scope, { prefix: 'b', after: 'a' })).names).toEqual(['b']);
    });

    it('tells what is current of each object, and tombstones only when asked', async () => {
      const scope = await contract.openScope();
      const a = await contract.recordOne(contract.put(scope, 'a'));
      const b = await contract.recordOne(contract.put(scope, 'b'));
      const gone = await contract.recordOne(contract.remove(scope, 'b', b));
      const c = await contract.recordOne(contract.put(scope, 'c', { content: contentOf('cc', { sha256: undefined }) }));
      const alive = await scan(scope);
      expect(alive).toMatchObject({ names: ['a', 'c'], versionIds: [a, c], tombstones: [false, false], sizes: [1, 2] });
      expect(alive.sha256s).toEqual([contentOf('a').sha256, null]);
      const all = await scan(scope, { deleted: true });
      expect(all).toMatchObject({ names: ['a', 'b', 'c'], versionIds: [a, gone, c], tombstones: [false, true, false] });
      const brief = await scan(scope, { deleted: true, details: false });
      expect(brief).toEqual({ ...all, sizes: [], sha256s: [] });
    });

    it('tells of each store asked for the newest version it holds', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near, scope.far]);
      const second = await contract.recordOne(
        contract.put(scope, 'a', {
          follows: first,
          content: contentOf('2'),
          replicas: [replicaAt(scope.near, 'a', { token: 'new', state: 'UNVERIFIED', verification: 'none' })],
        }),
      );
      const other = await contract.putWithReplicas(scope, 'b', [scope.source]);
      const page = await scan(scope, { stores: [scope.near, scope.far, scope.source, 'test:unknown'] });
      expect(page.names).toEqual(['a', 'b']);
      expect(page.replicas).toEqual([
        { versionIds: [second, null], tokens: ['new', null], states: ['UNVERIFIED', null] },
        { versionIds: [first, null], tokens: ['token of a', null], states: ['AVAILABLE', null] },
        { versionIds: [null, other], tokens: [null, 'token of b'], states: [null, 'AVAILABLE'] },
        { versionIds: [null, null], tokens: [null, null], states: [null, null] },
      ]);
    });

    it('counts objects, not rows, where stores hold two versions', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b', 'c']) {
        const first = await contract.putWithReplicas(scope, name, [scope.near, scope.far]);
        const replicas = [replicaAt(scope.near, name), replicaAt(scope.far, name)];
        await contract.recordOne(contract.put(scope, name, { follows: first, content: contentOf('2'), replicas }));
      }
      const page = await scan(scope, { limit: 2, stores: [scope.near, scope.far] });
      expect(page.names).toEqual(['a', 'b']);
      expect(page.next).toBe('b');
    });

    it('sees one scope only, and nothing of one that was never opened', async () => {
      const scope = await contract.openScope();
      const other = await contract.openScope();
      await contract.record(contract.put(scope, 'mine'), contract.put(other, 'other'));
      expect((await scan(scope)).names).toEqual(['mine']);
      const unknown = await scan({ ...scope, name: 'never-opened' });
      expect(unknown).toMatchObject({ names: [], next: undefined });
    });

    it('answers whether a page is just what it has, and says no where anything differs', async () => {
      const scope = await contract.openScope();
      const names = ['a', 'b/\u0001', 'b/c\n', 'ä', '\u{1f333}'].toSorted(compareKeys);
      for (const name of names) await contract.putWithReplicas(scope, name, [scope.near, scope.far]);
      const tokens = names.map((name) => `token of ${name}`);
      const ask = (query: Partial<RecordedQuery> = {}): Promise<boolean> =>
        contract.catalog.areRecorded({
          scope: scope.name,
          prefix: '',
          stores: [scope.near, scope.far],
          names: names.join('\0'),
          tokens: [tokens.join('\0'), tokens.join('\0')],
          ...query,
        });
      const isTold = await ask();
      // An engine that cannot tell says no to everything.
      const part = (from: number, to: number) => ({
        names: names.slice(from, to).join('\0'),
        tokens: [tokens.slice(from, to).join('\0'), tokens.slice(from, to).join('\0')],
      });
      expect(await ask(part(0, 2))).toBe(isTold);
      expect(await ask({ ...part(2, 5), after: names[1] as string })).toBe(isTold);
      expect(await ask({ ...part(2, 5), after: names[0] as string })).toBe(false);
      expect(await ask(part(1, 5))).toBe(false);
      expect(await ask({ names: names.filter((name) => name !== 'ä').join('\0') })).toBe(false);
      expect(await ask({ names: [...names, '\u{1f334}'].join('\0') })).toBe(false);
      expect(await ask({ tokens: [tokens.join('\0'), tokens.toReversed().join('\0')] })).toBe(false);
      expect(await ask({ stores: [scope.near, 'test:unknown'] })).toBe(false);
      expect(await ask({ scope: 'never-opened' })).toBe(false);
    });

    it('says no of a page with an object that is deleted, older at a store, not served, or without a token', async () => {
      const scope = await contract.openScope();
      const ask = (name: string): Promise<boolean> =>
        contract.catalog.areRecorded({
          scope: scope.name,
          prefix: name,
          stores: [scope.near],
          names: name,
          tokens: [`token of ${name}`],
        });
      const isTold = await contract.putWithReplicas(scope, 'served', [scope.near]).then(() => ask('served'));
      const deleted = await contract.putWithReplicas(scope, 'deleted', [scope.near]);
      await contract.recordOne(contract.remove(scope, 'deleted', deleted));
      const old = await contract.putWithReplicas(scope, 'old', [scope.near]);
      await contract.recordOne(contract.put(scope, 'old', { follows: old, content: contentOf('2') }));
      for (const state of ['UNVERIFIED', 'SUSPICIOUS', 'BAD'] as const) {
        const replicas = [replicaAt(scope.near, state, { state })];
        await contract.recordOne(contract.put(scope, state, { replicas }));
      }
      await contract.recordOne(
        contract.put(scope, 'tokenless', { replicas: [replicaAt(scope.near, 'tokenless', { token: undefined })] }),
      );
      expect(await ask('UNVERIFIED')).toBe(isTold);
      for (const name of ['deleted', 'old', 'SUSPICIOUS', 'BAD', 'tokenless']) expect(await ask(name)).toBe(false);
    });

    it('has pages of at least one row', async () => {
      const scope = await contract.openScope();
      await expectKind(scan(scope, { limit: 0 }), 'failed');
    });
  });

  function scan(scope: TestScope, options: Partial<ScanQuery> = {}): Promise<ScanPage> {
    return contract.catalog.scanScope({
      scope: scope.name,
      prefix: '',
      limit: 1000,
      stores: [],
      deleted: false,
      details: true,
      ...options,
    });
  }

  async function scanAll(scope: TestScope, options: Partial<ScanQuery>): Promise<string[]> {
    const names: string[] = [];
    let page = await scan(scope, options);
    names.push(...page.names);
    while (page.next !== undefined) {
      page = await scan(scope, { ...options, after: page.next });
      names.push(...page.names);
    }
    return names;
  }
}
