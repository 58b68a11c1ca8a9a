import { describe, expect, it } from 'vitest';
import { type CatalogContract, expectKind, type TestScope } from './harness.ts';

/** Duties of `site`, `openScope` and `listStandingRules`. */
export function describeScopes(contract: CatalogContract): void {
  describe('site', () => {
    it('is the same at every call, with an incarnation of 16 hex digits', async () => {
      const first = await contract.catalog.site();
      const second = await contract.catalog.site();
      expect(second).toEqual(first);
      expect(first.incarnation).toMatch(/^[0-9a-f]{16}$/);
      expect(first.id).not.toBe('');
    });

    it('counts every change it recorded', async () => {
      const scope = await contract.openScope();
      const before = await contract.catalog.site();
      await contract.record(contract.put(scope, 'a'), contract.put(scope, 'b'));
      const after = await contract.catalog.site();
      expect(after.counter).toBe(before.counter + 2);
    });
  });

  describe('openScope', () => {
    it('makes the replicas a standing rule, told by read priority', async () => {
      const scope = await contract.openScope();
      const rules = await contract.catalog.listStandingRules(scope.name);
      expect(rules.map(({ origin, store, storeTitle, priority }) => ({ origin, store, storeTitle, priority }))).toEqual(
        [
          { origin: 'profile', store: scope.near, storeTitle: 'near', priority: 1 },
          { origin: 'profile', store: scope.far, storeTitle: 'far', priority: 2 },
        ],
      );
    });

    it('under another name than before keeps what is known of it; a scope known under both names stays two', async () => {
      const before = await contract.openScope();
      await contract.record(contract.put(before, 'a'));
      const name = `${before.name}-named`;
      const opened = { name, title: name, formerly: before.name, source: before.source, replicas: [], standing: false };
      await contract.catalog.openScope(opened);
      expect(await contract.catalog.readObject(name, 'a')).toMatchObject({ scope: name, name: 'a' });
      expect(await contract.catalog.readObject(before.name, 'a')).toBeUndefined();
      const other = await contract.openScope();
      await contract.record(contract.put(other, 'b'));
      await contract.catalog.openScope({ ...opened, formerly: other.name });
      expect(await contract.catalog.readObject(other.name, 'b')).toMatchObject({ scope: other.name });
      expect(await contract.catalog.readObject(name, 'b')).toBeUndefined();
    });

    it('without a source makes a scope for uploads, which may get one later', async () => {
      const name = `${(await contract.openScope()).name}-uploads`;
      const opened = { name, title: name, source: undefined, replicas: [], standing: false };
      await contract.catalog.openScope(opened);
      const scope = { name, source: `test:${name}/source`, near: '', far: '' };
      await contract.recordOne(contract.put(scope, 'a'));
      await expectKind(contract.putWithReplicas(scope, 'b', [scope.source]), 'failed');
      await contract.catalog.openScope({ ...opened, source: scope.source });
      await contract.catalog.openScope(opened);
      await contract.putWithReplicas(scope, 'b', [scope.source]);
      expect((await contract.read(scope, 'b')).replicas).toMatchObject([{ store: scope.source }]);
      expect(await contract.catalog.readObject(name, 'a')).toBeDefined();
    });

    it('again with the same replicas changes nothing', async () => {
      const scope = await contract.openScope();
      const before = await contract.catalog.listStandingRules(scope.name);
      await open(scope.name, [scope.near, scope.far]);
      const after = await contract.catalog.listStandingRules(scope.name);
      expect(after.map(({ id, createdMs }) => ({ id, createdMs }))).toEqual(
        before.map(({ id, createdMs }) => ({ id, createdMs })),
      );
    });

    it('ends the rule of a replica that is named no more, and begins it again when it is', async () => {
      const scope = await contract.openScope();
      await open(scope.name, [scope.far]);
      expect((await contract.catalog.listStandingRules(scope.name)).map(({ store }) => store)).toEqual([scope.far]);
      await open(scope.name, [scope.near, scope.far]);
      expect((await contract.catalog.listStandingRules(scope.name)).map(({ store }) => store)).toEqual([
        scope.near,
        scope.far,
      ]);
    });

    it('ends all rules when no replica is named', async () => {
      const scope = await contract.openScope();
      await open(scope.name, []);
      expect(await contract.catalog.listStandingRules(scope.name)).toEqual([]);
    });

    it('for one run leaves the standing rule as it is, and knows the targets', async () => {
      const scope = await contract.openScope();
      const target = `${scope.near}-by-hand`;
      await contract.catalog.openScope({
        name: scope.name,
        title: scope.name,
        source: scope.source,
        replicas: [{ store: target, title: 'by hand', priority: 1 }],
        standing: false,
      });
      expect((await contract.catalog.listStandingRules(scope.name)).map(({ store }) => store)).toEqual([
        scope.near,
        scope.far,
      ]);
      await contract.putWithReplicas(scope, 'a', [target]);
      expect((await contract.read(scope, 'a')).replicas.map(({ store }) => store)).toEqual([target]);
    });

    it('lists the rules of all scopes when none is named', async () => {
      const one = await contract.openScope();
      const other = await contract.openScope();
      const scopes = new Set((await contract.catalog.listStandingRules()).map(({ scope }) => scope));
      expect(scopes.has(one.name) && scopes.has(other.name)).toBe(true);
    });

    it('comes before everything: a change in an unknown scope, or at an unknown store, fails', async () => {
      const scope = await contract.openScope();
      await expectKind(contract.record(contract.put({ ...scope, name: 'never-opened' }, 'a')), 'failed');
      await expectKind(contract.putWithReplicas(scope, 'a', ['test:never-opened']), 'failed');
      expect(await contract.catalog.readObject(scope.name, 'a')).toBeUndefined();
      expect(await contract.catalog.readObject('never-opened', 'a')).toBeUndefined();
      expect(await contract.catalog.listStandingRules('never-opened')).toEqual([]);
    });
  });

  describe('a scope whose source is another than it was', () => {
    const openAt = (scope: TestScope, source: string) =>
      contract.catalog.openScope({
        name: scope.name,
        title: scope.name,
        source,
        replicas: [],
        standing: true,
      });

    it('is refused while it has objects, and nothing is changed by that', async () => {
      const scope = await contract.openScope();
      const other = `test:other-source-of-${scope.name}`;
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      expect(await contract.catalog.findOtherSource(scope.name, other)).toBe(scope.source);
      expect(await contract.catalog.findOtherSource(scope.name, scope.source)).toBeUndefined();
      expect(await openAt(scope, other)).toEqual({ kind: 'elsewhere', source: scope.source });
      expect(await contract.catalog.listStandingRules(scope.name)).not.toEqual([]);
      expect(await openAt(scope, scope.source)).toEqual({ kind: 'opened' });
    });

    it('goes on where it is said to have been moved', async () => {
      const scope = await contract.openScope();
      const other = `test:new-source-of-${scope.name}`;
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const move = { from: scope.source, to: other, title: scope.name, tokensHold: true };
      expect(await contract.catalog.moveStore(move)).toEqual({ kind: 'moved' });
      expect(await openAt(scope, other)).toEqual({ kind: 'opened' });
      expect(await contract.catalog.findOtherSource(scope.name, other)).toBeUndefined();
      expect(await openAt(scope, scope.source)).toEqual({ kind: 'elsewhere', source: other });
    });

    it('is anybody’s as long as it is empty', async () => {
      const scope = await contract.openScope();
      expect(await openAt(scope, `test:any-source-of-${scope.name}`)).toEqual({ kind: 'opened' });
    });
  });

  async function open(name: string, stores: readonly string[]): Promise<void> {
    const replicas = stores.map((store, at) => ({ store, title: store, priority: at + 1 }));
    await contract.catalog.openScope({ name, title: name, source: `test:${name}/source`, replicas, standing: true });
  }
}
