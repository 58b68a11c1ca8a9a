import { describe, expect, it } from 'vitest';
import type { AuditFinding, FoundCopy, ReplicaPage } from '../../ports/audits.ts';
import { type CatalogContract, contentOf, replicaAt, type TestScope } from './harness.ts';
import { addRule, applyRule, ruleOver } from './rules-harness.ts';

/** Duties of audits: `listReplicasAt` to `adoptCopies`. */
export function describeAudits(contract: CatalogContract): void {
  const finding = (key: string, more: Partial<AuditFinding> = {}): AuditFinding => ({
    key,
    kind: 'lost',
    object: { scope: 'a', name: key, versionId: 7 },
    claim: '7 t',
    recordedToken: 't',
    token: undefined,
    bytes: 3,
    detail: 'it is not there',
    ...more,
  });
  const begin = (store: string, withChecksums = false, anew = false) =>
    contract.catalog.beginAudit({ store, withChecksums, anew });

  describe('all replicas at a store', () => {
    it('are told page by page, each once, of all versions', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near, scope.far]);
      const second = await contract.recordOne(
        contract.put(scope, 'a', { follows: first, content: contentOf('2'), replicas: [replicaAt(scope.near, 'a')] }),
      );
      for (const name of ['b', 'c', 'd']) await contract.putWithReplicas(scope, name, [scope.near]);
      const told: string[] = [];
      let after: string | undefined;
      do {
        const page: ReplicaPage = await contract.catalog.listReplicasAt(scope.near, {
          limit: 2,
          ...(after === undefined ? {} : { after }),
        });
        for (const [at, name] of page.names.entries())
          told.push(`${name} ${page.places[at]} ${page.versionIds[at]} ${page.current[at]} ${page.states[at]}`);
        after = page.next;
      } while (after !== undefined);
      expect(told.slice(0, 2)).toEqual([`a a ${first} false AVAILABLE`, `a a ${second} true AVAILABLE`]);
      expect(told.slice(2).map((line) => line[0])).toEqual(['b', 'c', 'd']);
    });

    it('are told with size, hash and token; of an unknown store there are none', async () => {
      const scope = await contract.openScope();
      const sha256 = 'ab'.repeat(32);
      const content = { kind: 'object', size: 5, sha256, modifiedNs: 1_700_000_000_000_000_001n } as const;
      await contract.recordOne(contract.put(scope, 'a', { content, replicas: [replicaAt(scope.far, 'elsewhere/a')] }));
      const page = await contract.catalog.listReplicasAt(scope.far, { limit: 10 });
      expect(page).toMatchObject({
        scopes: [scope.name],
        places: ['elsewhere/a'],
        sizes: [5],
        sha256s: [sha256],
        modifiedNs: ['1700000000000000001'],
        next: undefined,
      });
      expect((await contract.catalog.listReplicasAt('test:nowhere', { limit: 10 })).names).toEqual([]);
    });
  });

  describe('objects with a copy at a store', () => {
    it('are told with all their copies, each once, page by page', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near, scope.far]);
      await contract.recordOne(
        contract.put(scope, 'a', { follows: first, content: contentOf('2'), replicas: [replicaAt(scope.near, 'a')] }),
      );
      await contract.putWithReplicas(scope, 'b', [scope.far]);
      await contract.putWithReplicas(scope, 'c', [scope.near]);
      const page = await contract.catalog.readHeldPage(scope.near, { limit: 1 });
      expect(page.objects).toMatchObject([{ name: 'a', bytes: 1, replicas: [{ store: scope.near }], locks: [] }]);
      const rest = await contract.catalog.readHeldPage(scope.near, { limit: 10, after: page.next ?? '' });
      expect(rest).toMatchObject({ objects: [{ name: 'c' }], next: undefined });
    });
  });

  describe('an audit', () => {
    it('that was interrupted is gone on with, with what it found', async () => {
      const { near } = await contract.openScope();
      const { lease, resumes } = await begin(near);
      expect(resumes).toBeUndefined();
      const found = [finding('b'), finding('é', { kind: 'dark', object: undefined, claim: undefined, token: 'x' })];
      expect(await contract.catalog.saveAudit(lease, { position: 'm', counts: { ok: 5 }, found })).toBe(true);
      const again = await begin(near);
      expect(again.resumes).toEqual({ position: 'm', isListed: false, counts: { ok: 5 } });
      expect(await contract.catalog.listFindings(near, { limit: 10 })).toEqual(found);
    });

    it('that somebody else has begun meanwhile changes nothing any more', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const { lease } = await begin(scope.near);
      await begin(scope.near);
      const drop = { scope: scope.name, name: 'a', versionId, store: scope.near, to: 'drop' } as const;
      expect(await contract.catalog.saveAudit(lease, { counts: {}, found: [finding('a')], replicas: [drop] })).toBe(
        false,
      );
      expect(await contract.catalog.listFindings(scope.near, { limit: 10 })).toEqual([]);
      expect((await contract.read(scope, 'a')).replicas).toHaveLength(1);
    });

    it('begins anew after one that ended, of another kind, or where that is asked for', async () => {
      const { near } = await contract.openScope();
      const save = async ({ lease }: Awaited<ReturnType<typeof begin>>, state?: 'ended') =>
        contract.catalog.saveAudit(lease, {
          counts: { ok: 1 },
          found: [finding('a')],
          ...(state === undefined ? {} : { state }),
        });
      await save(await begin(near), 'ended');
      expect(await contract.catalog.listFindings(near, { limit: 10 })).toHaveLength(1);
      expect((await contract.catalog.listAudits()).find(({ store }) => store === near)).toMatchObject({
        state: 'ended',
        counts: { ok: 1 },
      });
      const second = await begin(near);
      expect(second.resumes).toBeUndefined();
      expect(await contract.catalog.listFindings(near, { limit: 10 })).toEqual([]);
      await save(second);
      expect((await begin(near, true)).resumes).toBeUndefined();
      await save(await begin(near, true));
      expect((await begin(near, true, true)).resumes).toBeUndefined();
    });

    it('tells findings in the byte order of keys, and no longer those that are settled', async () => {
      const { near } = await contract.openScope();
      const { lease } = await begin(near);
      const keys = ['a', 'a/b', 'a-b', '\ufffd', '\u{1f600}'];
      await contract.catalog.saveAudit(lease, { counts: {}, found: keys.map((key) => finding(key)) });
      await contract.catalog.saveAudit(lease, { counts: {}, settled: [{ key: 'a/b', kind: 'lost' }] });
      const first = await contract.catalog.listFindings(near, { limit: 2 });
      const rest = await contract.catalog.listFindings(near, { limit: 10, after: first[1] as AuditFinding });
      expect([...first, ...rest].map(({ key }) => key)).toEqual(['a', 'a-b', '\ufffd', '\u{1f600}']);
    });
  });

  describe('a copy that was found', () => {
    const copyOf = (scope: TestScope, name: string, more: Partial<FoundCopy> = {}): FoundCopy => ({
      scope: scope.name,
      name,
      store: scope.far,
      place: `${scope.name}/${name}`,
      token: 'found',
      sha256: 'cd'.repeat(32),
      size: 4,
      soft: false,
      ...more,
    });
    const content = { kind: 'object', size: 4, sha256: 'cd'.repeat(32) } as const;

    it('is a replica again, and satisfies the lock that waits for it', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'a', { content, replicas: [replicaAt(scope.source, 'a')] }));
      const replicas = [{ store: scope.near, title: 'near', priority: 1 }];
      const { name, source } = scope;
      await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
      const rule = await addRule(contract, ruleOver(scope));
      await applyRule(contract, rule, [scope.far]);
      const { versionId } = (await contract.read(scope, 'a')).replicas.find(({ store }) => store === scope.far) ?? {};
      if (versionId === undefined) throw new Error('no copy is asked for');
      const row = { scope: name, name: 'a', versionId, store: scope.far };
      // A copy under way is somebody else's; one that was given up is not.
      expect(await contract.catalog.adoptCopies([copyOf(scope, 'a')], [])).toEqual(['elsewhere']);
      const given = { state: 'UNAVAILABLE', place: `${name}/a`, token: undefined, verification: 'none' } as const;
      await contract.catalog.record({ replicas: [{ ...row, to: given }] });
      const use = async () => (await contract.catalog.readStoreUse()).find(({ store }) => store === scope.far);
      const before = (await use())?.completedBytes ?? 0;
      expect(await contract.catalog.adoptCopies([copyOf(scope, 'a')], [])).toEqual(['adopted']);
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'OK', counts: { ok: 1 } });
      expect((await use())?.completedBytes).toBe(before + 4);
      expect((await contract.read(scope, 'a')).replicas).toContainEqual(
        expect.objectContaining({ store: scope.far, state: 'AVAILABLE', token: 'found', verification: 'read-back' }),
      );
    });

    it('that nobody claims is released: it goes when its space is needed', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'a', { content, replicas: [replicaAt(scope.source, 'a')] }));
      await contract.catalog.openStores([{ store: scope.far, title: 'far', allocatedBytes: undefined }]);
      expect(await contract.catalog.adoptCopies([copyOf(scope, 'a')], [])).toEqual(['adopted']);
      expect(await contract.catalog.listReleased(scope.far, { limit: 10 })).toMatchObject([
        { name: 'a', bytes: 4, purge: false },
      ]);
      expect(await contract.catalog.adoptCopies([copyOf(scope, 'a', { place: 'b' })], [])).toEqual(['elsewhere']);
    });

    it('is none of an object that has other bytes, was deleted, or never was', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'other', { content: { ...content, sha256: 'ef'.repeat(32) } }));
      const gone = await contract.recordOne(contract.put(scope, 'gone', { content }));
      await contract.recordOne(contract.remove(scope, 'gone', gone));
      const asked = ['other', 'gone', 'never'].map((name) => copyOf(scope, name));
      expect(await contract.catalog.adoptCopies(asked, [])).toEqual(['other-bytes', 'unknown', 'unknown']);
    });

    it('is recognised by the operation of its mark, unless another version followed', async () => {
      const scope = await contract.openScope();
      const change = contract.put(scope, 'a', { content });
      const first = await contract.recordOne(change);
      const { operation } = change;
      expect(await contract.catalog.findOperations([operation, contract.operation()])).toEqual([
        { operation, scope: scope.name, name: 'a' },
      ]);
      await contract.recordOne(contract.put(scope, 'a', { follows: first }));
      expect(await contract.catalog.findOperations([operation])).toEqual([]);
    });
  });
}
