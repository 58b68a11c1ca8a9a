import { describe, expect, it } from 'vitest';
import type { TransferOutcome } from '../../ports/rules.ts';
import type { BeginUploads, NewUpload, UploadBegun } from '../../ports/uploads.ts';
import { type CatalogContract, contentOf, type TestScope } from './harness.ts';
import { addRule, applyRule, endRule, ruleOver } from './rules-harness.ts';

type Begun = Extract<UploadBegun, { readonly kind: 'begun' }>;

/** Duties of `readObject` and `releaseLocks` about versions that uploads registered and never brought. */
export function describeGivenUpUploads(contract: CatalogContract): void {
  /** A scope without a source; its stores are known. */
  const openLoose = async (): Promise<TestScope> => {
    const scope = await contract.openScope();
    const name = `loose-${scope.name}`;
    await contract.catalog.openScope({ name, title: name, source: undefined, replicas: [], standing: false });
    return { ...scope, name };
  };
  const tryToBegin = async (
    scope: TestScope,
    text: string,
    store: string,
    options: Partial<BeginUploads> = {},
  ): Promise<UploadBegun | undefined> => {
    const file: NewUpload = {
      scope: scope.name,
      name: 'a',
      content: contentOf(text) as NewUpload['content'],
      operation: contract.operation(),
      place: 'placed/a',
      format: undefined,
      origin: { host: 'here', path: '/files/a' },
    };
    const begun = await contract.catalog.beginUploads({
      rule: ruleOver(scope, { account: scope.name, expression: store.replaceAll(/\W/g, '_'), activity: 'upload' }),
      owner: 'uploader',
      leaseMs: 60_000,
      deadOwners: [],
      store,
      dataset: undefined,
      overwrites: true,
      quotas: [],
      files: [file],
      ...options,
    });
    if (begun.kind !== 'begun') throw new Error(`there was no room: ${JSON.stringify(begun)}`);
    return begun.files[0];
  };
  const begin = async (scope: TestScope, text: string, store: string): Promise<Begun> => {
    const one = await tryToBegin(scope, text, store);
    if (one?.kind !== 'begun') throw new Error(`the upload was not begun: ${JSON.stringify(one)}`);
    return one;
  };
  const arrive = async (begun: Begun): Promise<void> => {
    expect(await contract.catalog.finishUploads([arrivalOf(begun)], undefined)).toMatchObject({ settled: [true] });
  };
  const stop = async (begun: Begun): Promise<void> => {
    expect(await contract.catalog.settleTransfers([interruptionOf(begun)])).toEqual([true]);
  };
  const useOf = async (store: string) => (await contract.catalog.readStoreUse()).find((one) => one.store === store);

  describe('an upload of a new version', () => {
    it('leaves the one before to be read until it has come, and no longer', async () => {
      const scope = await openLoose();
      const first = await begin(scope, 'one', scope.far);
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
      await arrive(first);
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
      const second = await begin(scope, 'other', scope.near);
      const read = await contract.read(scope, 'a');
      expect(read.current).toMatchObject({ id: second.versionId, content: contentOf('other') });
      expect(read.earlier).toMatchObject({ id: first.versionId, content: contentOf('one') });
      await stop(second);
      expect((await contract.read(scope, 'a')).earlier?.id).toBe(first.versionId);
      await arrive(await begin(scope, 'other', scope.near));
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
      // What was available once is lost when it is lost, and nothing older stands for it.
      const { replicas } = await contract.read(scope, 'a');
      const lost = replicas.find(({ versionId }) => versionId === second.versionId);
      await contract.catalog.record({
        replicas: [{ scope: scope.name, name: 'a', versionId: second.versionId, store: lost?.store ?? '', to: 'drop' }],
      });
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
    });

    it('that is given up makes the one before current again, where it lies', async () => {
      const scope = await openLoose();
      const first = await begin(scope, 'one', scope.far);
      await arrive(first);
      const second = await begin(scope, 'other', scope.near);
      await stop(second);
      await endRule(contract, second.rule);
      const read = await contract.read(scope, 'a');
      expect(read.earlier).toBeUndefined();
      expect(read.current.content).toEqual(contentOf('one'));
      expect(read.current.id).toBeGreaterThan(second.versionId);
      expect(read.replicas).toEqual([
        {
          store: scope.far,
          versionId: read.current.id,
          state: 'AVAILABLE',
          place: 'placed',
          token: `token ${first.versionId}`,
          verification: 'read-back',
        },
      ]);
      expect(await contract.catalog.readRule(first.rule)).toMatchObject({ state: 'OK', counts: { ok: 1, stuck: 0 } });
      expect(await contract.claim(scope)).toEqual([]);
      expect(await contract.catalog.readTraits({ scope: scope.name, name: 'a' })).toMatchObject({
        authority: scope.far,
      });
      expect(await useOf(scope.far)).toMatchObject({ completedBytes: 3, inFlightBytes: 0, pendingRequests: 0 });
      expect(await useOf(scope.near)).toMatchObject({ completedBytes: 0, inFlightBytes: 0, pendingRequests: 0 });
      const events = await contract.catalog.listEvents({ scope: scope.name, limit: 10 });
      expect(events).toMatchObject([{ kind: 'upload-given-up', name: 'a' }]);
      // Who comes late with it changes nothing.
      expect(await contract.catalog.finishUploads([arrivalOf(second)], undefined)).toMatchObject({ settled: [false] });
      // The change follows the one that was given up, as any other.
      const followed = await contract.record(contract.put(scope, 'a', { follows: read.current.id }));
      expect(followed).toMatchObject([{ kind: 'recorded' }]);
    });

    it('at the store of the one before is given up without it', async () => {
      const scope = await openLoose();
      const first = await begin(scope, 'one', scope.far);
      await arrive(first);
      const others = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, others, [scope.far, scope.near], { placeOf: () => 'placed/a' });
      const second = await begin(scope, 'other', scope.far);
      expect(second.rule).toBe(first.rule);
      await stop(second);
      await endRule(contract, second.rule);
      const read = await contract.read(scope, 'a');
      expect(read.current.content).toEqual(contentOf('one'));
      const copies = new Map(read.replicas.map((one) => [one.store, one]));
      expect(copies.get(scope.near)).toMatchObject({ state: 'COPYING', versionId: read.current.id });
      expect(copies.get(scope.far)).toMatchObject({ state: 'AVAILABLE', token: `token ${first.versionId}` });
      expect(copies.size).toBe(2);
      expect(await contract.catalog.readRule(others)).toMatchObject({ counts: { ok: 1, replicating: 1, stuck: 0 } });
      expect(await contract.claim(scope)).toMatchObject([{ store: scope.near, versionId: read.current.id }]);
    });

    it('goes on while somebody else wants it to, and is not given up by rules that cannot bring it', async () => {
      const scope = await openLoose();
      await arrive(await begin(scope, 'one', scope.far));
      const second = await begin(scope, 'other', scope.near);
      const third = await begin(scope, 'other', scope.source);
      const rules = [second.rule, third.rule];
      expect(third.versionId).toBe(second.versionId);
      await stop(second);
      await stop(third);
      const other = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, other, [scope.near]);
      await endRule(contract, other);
      await endRule(contract, rules[1] ?? 0);
      expect((await contract.read(scope, 'a')).current.id).toBe(second.versionId);
      const last = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, last, [scope.near]);
      await endRule(contract, rules[0] ?? 0);
      const { current } = await contract.read(scope, 'a');
      expect(current.content).toEqual(contentOf('one'));
      expect(await contract.claim(scope)).toMatchObject([{ store: scope.near, versionId: current.id, reason: 'rule' }]);
      expect(await contract.catalog.listUploads({ account: scope.name, limit: 10 })).toEqual([]);
    });

    it('is taken back when the store it was going to is declared lost', async () => {
      const scope = await openLoose();
      const first = await begin(scope, 'one', scope.far);
      await arrive(first);
      const second = await begin(scope, 'other', scope.near);
      await stop(second);
      expect(await contract.catalog.loseCopies({ store: scope.near, limit: 10 })).toMatchObject({ objects: [] });
      const read = await contract.read(scope, 'a');
      expect(read.current.content).toEqual(contentOf('one'));
      expect(read.current.id).toBeGreaterThan(second.versionId);
      expect(read.replicas).toMatchObject([
        { store: scope.far, state: 'AVAILABLE', versionId: read.current.id, token: `token ${first.versionId}` },
      ]);
      expect(await contract.catalog.readRule(first.rule)).toMatchObject({
        counts: { ok: 1, replicating: 0, stuck: 0 },
      });
    });

    it('that never came is no reason to put other bytes there without saying so', async () => {
      const scope = await openLoose();
      await arrive(await begin(scope, 'one', scope.far));
      const second = await begin(scope, 'other', scope.near);
      await stop(second);
      for (const text of ['third', 'one'])
        expect(await tryToBegin(scope, text, scope.near, { overwrites: false })).toMatchObject({ kind: 'other-bytes' });
      expect((await contract.read(scope, 'a')).current.id).toBe(second.versionId);
      const same = await tryToBegin(scope, 'other', scope.near, { overwrites: false });
      expect(same).toMatchObject({ kind: 'begun', isResumed: true });
    });

    it('whose bytes were found where they lie has arrived there, and is not taken back', async () => {
      const scope = await openLoose();
      await arrive(await begin(scope, 'one', scope.far));
      const second = await begin(scope, 'other', scope.near);
      await stop(second);
      const { size, sha256 } = contentOf('other') as NewUpload['content'];
      const found = { scope: scope.name, name: 'a', store: scope.near, place: 'placed/a', token: 'found', soft: false };
      expect(await contract.catalog.adoptCopies([{ ...found, size, sha256 }], [])).toEqual(['adopted']);
      const traits = await contract.catalog.readTraits({ scope: scope.name, name: 'a' });
      expect(traits).toMatchObject({ authority: scope.near });
      const copy = { scope: scope.name, name: 'a', versionId: second.versionId, store: scope.near };
      await contract.catalog.record({ replicas: [{ ...copy, to: 'drop' }] });
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
      await endRule(contract, second.rule);
      expect((await contract.read(scope, 'a')).current.id).toBe(second.versionId);
    });

    it('that follows a delete has nothing before it', async () => {
      const scope = await openLoose();
      const first = await begin(scope, 'one', scope.far);
      await arrive(first);
      const gone = await contract.recordOne(contract.remove(scope, 'a', first.versionId));
      const second = await begin(scope, 'other', scope.near);
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
      // A copy that comes back late is of what was deleted (I5).
      expect(second.versionId).toBeGreaterThan(gone);
      await contract.catalog.record({
        replicas: [
          {
            scope: scope.name,
            name: 'a',
            versionId: first.versionId,
            store: scope.source,
            to: { state: 'AVAILABLE', place: 'a', token: 't', verification: 'written' },
          },
        ],
      });
      expect((await contract.read(scope, 'a')).earlier).toBeUndefined();
      await endRule(contract, second.rule);
      expect((await contract.read(scope, 'a')).current.id).toBe(second.versionId);
    });
  });
}

const NOTHING = { attempt: undefined, soft: false, stuck: undefined, doubtedSources: [], bytes: 0, busyMs: 0 };

function arrivalOf({ lease, versionId }: Begun): TransferOutcome {
  return {
    ...NOTHING,
    lease,
    request: { state: 'DONE' },
    replica: { state: 'AVAILABLE', place: 'placed', token: `token ${versionId}`, verification: 'read-back' },
  };
}

function interruptionOf({ lease }: Begun): TransferOutcome {
  return {
    ...NOTHING,
    lease,
    request: { state: 'NO_SOURCES', attempts: 1, timesStuck: 1, afterMs: 60_000, why: 'interrupted' },
    replica: { state: 'UNAVAILABLE', place: 'placed/a', token: undefined, verification: 'none' },
    stuck: { kind: 'no-source', detail: 'its upload was interrupted' },
  };
}
