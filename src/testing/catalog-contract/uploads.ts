import { describe, expect, it } from 'vitest';
import type { TransferOutcome } from '../../ports/rules.ts';
import type { BeginUploads, NewUpload, UploadBegun } from '../../ports/uploads.ts';
import { type CatalogContract, contentOf, replicaAt, sleep, type TestScope } from './harness.ts';
import { addRule, applyRule, claimRulesOnly, ruleOver } from './rules-harness.ts';

type Begun = Extract<UploadBegun, { readonly kind: 'begun' }>;

/** Duties of uploads: `beginUploads`, `continueUploads`, `finishUploads`, `listUploads`. */
export function describeUploads(contract: CatalogContract): void {
  const fileOf = (scope: TestScope, name: string, text = name): NewUpload => ({
    scope: scope.name,
    name,
    content: contentOf(text) as NewUpload['content'],
    operation: contract.operation(),
    place: `placed/${name}`,
    format: undefined,
    origin: { host: 'here', path: `/files/${name}` },
  });
  const beginOf = (
    scope: TestScope,
    files: readonly NewUpload[],
    options: Partial<BeginUploads> = {},
  ): BeginUploads => ({
    rule: ruleOver(scope, { account: scope.name, expression: 'far', activity: 'upload' }),
    owner: 'uploader',
    leaseMs: 60_000,
    deadOwners: [],
    store: scope.far,
    dataset: undefined,
    overwrites: false,
    quotas: [],
    files,
    ...options,
  });
  const begin = async (
    scope: TestScope,
    files: readonly NewUpload[],
    options: Partial<BeginUploads> = {},
  ): Promise<readonly UploadBegun[]> => {
    const begun = await contract.catalog.beginUploads(beginOf(scope, files, options));
    if (begun.kind !== 'begun') throw new Error(`there was no room: ${JSON.stringify(begun)}`);
    return begun.files;
  };
  const beginOne = async (scope: TestScope, file: NewUpload, options: Partial<BeginUploads> = {}): Promise<Begun> => {
    const [begun] = await begin(scope, [file], options);
    if (begun?.kind !== 'begun') throw new Error(`the upload was not begun: ${JSON.stringify(begun)}`);
    return begun;
  };
  const openDataset = async (scope: TestScope, name: string) => {
    const dataset = { scope: scope.name, name };
    await contract.catalog.putCollection({ ...dataset, kind: 'dataset', isMonotonic: false });
    return dataset;
  };

  describe('an upload', () => {
    it('registers version, replica, lock and request together, and is not handed to workers', async () => {
      const scope = await contract.openScope();
      const begun = await beginOne(scope, fileOf(scope, 'a'));
      const read = await contract.read(scope, 'a');
      expect(read.current.id).toBe(begun.versionId);
      expect(read.replicas).toMatchObject([{ store: scope.far, state: 'COPYING', place: 'placed/a' }]);
      expect(await contract.catalog.readRule(begun.rule)).toMatchObject({
        state: 'REPLICATING',
        counts: { ok: 0, replicating: 1, stuck: 0 },
        targets: [{ kind: 'object', name: 'a' }],
      });
      expect(await contract.claim(scope)).toEqual([]);
      expect(await claimRulesOnly(contract, [begun.rule])).toEqual([]);
      expect(await contract.catalog.readTraits({ scope: scope.name, name: 'a' })).toEqual({
        format: undefined,
        rightsHolder: scope.name,
        authority: undefined,
      });
      const [use] = (await contract.catalog.readStoreUse()).filter(({ store }) => store === scope.far);
      expect(use).toMatchObject({ completedBytes: 0, inFlightBytes: 1, pendingRequests: 1 });
      expect(await contract.catalog.listUploads({ account: scope.name, limit: 10 })).toMatchObject([
        { name: 'a', state: 'SUBMITTED', owner: 'uploader', origin: { host: 'here', path: '/files/a' }, bytes: 1 },
      ]);
    });

    it('that arrives makes its locks OK, its object a member, and its store the authority', async () => {
      const scope = await contract.openScope();
      const dataset = await openDataset(scope, 'd');
      const files = [fileOf(scope, 'a'), fileOf(scope, 'b')];
      const begun = (await begin(scope, files, { dataset })) as Begun[];
      expect(begun[0]?.rule).toBe(begun[1]?.rule);
      const finished = await contract.catalog.finishUploads(begun.map(arrivalOf), dataset);
      expect(finished).toEqual({ settled: [true, true], attached: { kind: 'changed', count: 2 } });
      expect(await contract.catalog.readRule(begun[0]?.rule ?? 0)).toMatchObject({
        counts: { ok: 2, replicating: 0, stuck: 0 },
        targets: [{ kind: 'collection', name: 'd' }],
      });
      const traits = await contract.catalog.readTraits({ scope: scope.name, name: 'a' });
      expect(traits?.authority).toBe(scope.far);
      expect(await contract.catalog.listUploads({ account: scope.name, limit: 10 })).toEqual([]);
      const again = await contract.catalog.finishUploads(begun.map(arrivalOf), dataset);
      expect(again).toEqual({ settled: [false, false], attached: undefined });
      const [use] = (await contract.catalog.readStoreUse()).filter(({ store }) => store === scope.far);
      expect(use).toMatchObject({ completedBytes: 2, inFlightBytes: 0, pendingRequests: 0 });
    });

    it('is listed among the requests, also in a scope that has no source', async () => {
      const scope = { ...(await contract.openScope()), name: `loose-${contract.operation().slice(-4)}` };
      await contract.catalog.openScope({
        name: scope.name,
        title: scope.name,
        source: undefined,
        replicas: [],
        standing: false,
      });
      await beginOne(scope, fileOf(scope, 'a'));
      const requests = await contract.catalog.listRequests({ limit: 10_000 });
      expect(requests.filter((one) => one.scope === scope.name)).toMatchObject([{ name: 'a', source: undefined }]);
    });

    it('is content of rules before it has arrived, and authoritative nowhere, where its scope has no source', async () => {
      const scope = { ...(await contract.openScope()), name: `loose-${contract.operation().slice(-4)}` };
      const { name } = scope;
      await contract.catalog.openScope({ name, title: name, source: undefined, replicas: [], standing: false });
      const begun = await beginOne(scope, fileOf(scope, 'a'));
      const targets = [{ kind: 'object', scope: name, name: 'a' }] as const;
      const rule = await addRule(contract, { ...ruleOver(scope, { targets }), account: 'other' });
      const authority = async () => (await contract.catalog.readRulePage(rule, { limit: 10 })).objects[0]?.authority;
      expect(await authority()).toBeUndefined();
      await contract.catalog.finishUploads([arrivalOf(begun)], undefined);
      expect(await authority()).toBe(scope.far);
    });

    it('of a dataset that has members gets a rule for each object, so that the others are not brought there', async () => {
      const scope = await contract.openScope();
      const dataset = await openDataset(scope, 'd');
      await contract.putWithReplicas(scope, 'old', [scope.source]);
      await contract.catalog.attach(dataset, [{ scope: scope.name, name: 'old' }]);
      const begun = await beginOne(scope, fileOf(scope, 'a'), { dataset });
      expect(await contract.catalog.readRule(begun.rule)).toMatchObject({ targets: [{ kind: 'object', name: 'a' }] });
    });

    it('is settled though its dataset was closed, and the reason is told', async () => {
      const scope = await contract.openScope();
      const dataset = await openDataset(scope, 'd');
      const begun = await beginOne(scope, fileOf(scope, 'a'), { dataset });
      await contract.catalog.setCollectionOpen(dataset, false);
      const finished = await contract.catalog.finishUploads([arrivalOf(begun)], dataset);
      expect(finished).toMatchObject({ settled: [true], attached: { kind: 'refused' } });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'AVAILABLE' }]);
    });

    it('goes on after a failed attempt without letting it go', async () => {
      const scope = await contract.openScope();
      const { lease } = await beginOne(scope, fileOf(scope, 'a'));
      const failed = failureOf(lease, 'mirror');
      const [next] = await contract.catalog.continueUploads([failed], { owner: 'uploader', leaseMs: 60_000 });
      expect(next).toEqual({ requestId: lease.requestId, token: lease.token + 1 });
      expect(await contract.claim(scope)).toEqual([]);
      expect(await contract.catalog.readAttempts([lease.requestId])).toMatchObject([
        { number: lease.token, protocol: 'mirror', outcome: 'failed', failure: { at: 'destination', kind: 'corrupt' } },
      ]);
      expect(await contract.catalog.continueUploads([failed], { owner: 'late', leaseMs: 60_000 })).toEqual([undefined]);
    });

    it('whose lease has run out is taken up by whoever comes, and is resumed by its uploader', async () => {
      const scope = await contract.openScope();
      const first = await beginOne(scope, fileOf(scope, 'a'), { leaseMs: 50 });
      await sleep(120);
      const second = await beginOne(scope, fileOf(scope, 'a'), { leaseMs: 50 });
      expect(second).toMatchObject({ versionId: first.versionId, rule: first.rule, isResumed: true });
      expect(await contract.catalog.finishUploads([arrivalOf(first)], undefined)).toMatchObject({ settled: [false] });
      await sleep(120);
      const [claimed] = await contract.claim(scope);
      expect(claimed).toMatchObject({ reason: 'upload', ofRules: { activity: 'upload' } });
      const given = { ...stuckOf(claimed?.lease ?? first.lease), request: NO_SOURCES };
      expect(await contract.catalog.settleTransfers([given])).toEqual([true]);
      expect(await contract.catalog.readRule(first.rule)).toMatchObject({ state: 'STUCK' });
      const third = await beginOne(scope, fileOf(scope, 'a'));
      expect(third).toMatchObject({ versionId: first.versionId, isResumed: true });
      expect(await contract.catalog.readRule(first.rule)).toMatchObject({ counts: { replicating: 1, stuck: 0 } });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'COPYING' }]);
      const [use] = (await contract.catalog.readStoreUse()).filter(({ store }) => store === scope.far);
      expect(use).toMatchObject({ completedBytes: 0, inFlightBytes: 1, pendingRequests: 1 });
      expect(await contract.catalog.finishUploads([arrivalOf(third)], undefined)).toMatchObject({ settled: [true] });
    });

    it('of bytes whose store was away leaves their copy as it was known when it fails', async () => {
      const scope = await contract.openScope();
      const first = await beginOne(scope, fileOf(scope, 'a'));
      await contract.catalog.finishUploads([arrivalOf(first)], undefined);
      const [there] = (await contract.read(scope, 'a')).replicas;
      const { versionId } = first;
      const away = { state: 'UNAVAILABLE', place: 'placed', token: there?.token, verification: 'read-back' } as const;
      const copy = { scope: scope.name, name: 'a', versionId, store: scope.far };
      await contract.catalog.record({ replicas: [{ ...copy, to: away }] });
      const second = await beginOne(scope, fileOf(scope, 'a'));
      expect(await contract.catalog.settleTransfers([stuckOf(second.lease)])).toEqual([true]);
      expect(await contract.catalog.readRule(second.rule)).toMatchObject({ state: 'STUCK' });
      expect((await contract.read(scope, 'a')).replicas).toEqual([{ ...away, versionId, store: scope.far }]);
    });

    it('is held by one uploader at a time, unless that one is known to be dead', async () => {
      const scope = await contract.openScope();
      await beginOne(scope, fileOf(scope, 'a'), { owner: 'one' });
      expect(await begin(scope, [fileOf(scope, 'a')], { owner: 'two' })).toEqual([{ kind: 'held', by: 'one' }]);
      expect(await begin(scope, [fileOf(scope, 'a', 'other')], { owner: 'two' })).toEqual([
        { kind: 'held', by: 'one' },
      ]);
      const taken = await beginOne(scope, fileOf(scope, 'a'), { owner: 'two', deadOwners: ['one'] });
      expect(taken.isResumed).toBe(true);
    });

    it('may put other bytes under the name of one that never brought any', async () => {
      const scope = await contract.openScope();
      const first = await beginOne(scope, fileOf(scope, 'a'), { owner: 'one' });
      const second = await beginOne(scope, fileOf(scope, 'a', 'other'), { owner: 'two', deadOwners: ['one'] });
      expect(second.versionId).not.toBe(first.versionId);
      expect(await contract.catalog.finishUploads([arrivalOf(first)], undefined)).toMatchObject({ settled: [false] });
      expect(await contract.catalog.finishUploads([arrivalOf(second)], undefined)).toMatchObject({ settled: [true] });
      expect(await contract.catalog.readRule(second.rule)).toMatchObject({
        counts: { ok: 1, replicating: 0, stuck: 0 },
      });
    });

    it('of bytes that are there is present; of other bytes it is refused unless it overwrites', async () => {
      const scope = await contract.openScope();
      const first = await beginOne(scope, fileOf(scope, 'a'));
      await contract.catalog.finishUploads([arrivalOf(first)], undefined);
      expect(await begin(scope, [fileOf(scope, 'a')])).toEqual([
        { kind: 'present', versionId: first.versionId, rule: first.rule },
      ]);
      expect(await begin(scope, [fileOf(scope, 'a', 'other')])).toMatchObject([{ kind: 'other-bytes', size: 1 }]);
      const id = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, id, [scope.far, scope.near]);
      const [copied] = await contract.claim(scope);
      await contract.catalog.settleTransfers([
        { ...arrivalOf({ lease: copied?.lease ?? first.lease, versionId: first.versionId }) },
      ]);
      expect(await contract.catalog.readRule(id)).toMatchObject({ counts: { ok: 2, replicating: 0 } });
      const second = await beginOne(scope, fileOf(scope, 'a', 'other'), { overwrites: true });
      expect(second).toMatchObject({ rule: first.rule, isResumed: false });
      expect(await contract.catalog.readRule(id)).toMatchObject({ counts: { ok: 0, replicating: 2 } });
      await contract.catalog.finishUploads([arrivalOf(second)], undefined);
      expect(await contract.catalog.readRule(id)).toMatchObject({ counts: { ok: 1, replicating: 1 } });
      // The other replica follows from the uploaded one.
      expect(await contract.claim(scope)).toMatchObject([{ store: scope.near, versionId: second.versionId }]);
    });

    it('at another store of bytes that are known brings them there too', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const begun = await beginOne(scope, fileOf(scope, 'a'));
      expect(begun).toMatchObject({ versionId, isResumed: false });
      const { replicas } = await contract.read(scope, 'a');
      expect(replicas.map(({ store, state }) => [store, state])).toEqual(
        expect.arrayContaining([
          [scope.near, 'AVAILABLE'],
          [scope.far, 'COPYING'],
        ]),
      );
    });

    it('is refused where a closed dataset or the name of a collection is in the way', async () => {
      const scope = await contract.openScope();
      const dataset = await openDataset(scope, 'd');
      await contract.recordOne(contract.put(scope, 'a', { replicas: [replicaAt(scope.far, 'a')] }));
      await contract.catalog.attach(dataset, [{ scope: scope.name, name: 'a' }]);
      await contract.catalog.setCollectionOpen(dataset, false);
      const answers = await begin(scope, [fileOf(scope, 'a', 'other'), fileOf(scope, 'd'), fileOf(scope, 'c')], {
        overwrites: true,
      });
      expect(answers).toMatchObject([{ kind: 'refused' }, { kind: 'refused' }, { kind: 'begun' }]);
    });

    it('registers nothing where the store or a quota has no room', async () => {
      const scope = await contract.openScope();
      await contract.catalog.setStore(scope.far, { allocatedBytes: 3 });
      const files = [fileOf(scope, 'aa'), fileOf(scope, 'bb')];
      expect(await contract.catalog.beginUploads(beginOf(scope, files))).toEqual({
        kind: 'no-room',
        stores: [scope.far],
        quotas: [],
      });
      expect(await contract.catalog.readObject(scope.name, 'aa')).toBeUndefined();
      await contract.catalog.setStore(scope.far, { allocatedBytes: null });
      await contract.catalog.setQuota({ account: scope.name, expression: 'far', bytes: 3 });
      const quotas = [{ expression: 'far', stores: [scope.far] }];
      expect(await contract.catalog.beginUploads(beginOf(scope, files, { quotas }))).toEqual({
        kind: 'no-room',
        stores: [],
        quotas: ['far'],
      });
      expect(await begin(scope, files.slice(0, 1), { quotas })).toMatchObject([{ kind: 'begun' }]);
    });

    it('keeps its lock when the rule of its dataset is applied before it is a member', async () => {
      const scope = await contract.openScope();
      const dataset = await openDataset(scope, 'd');
      const [first, second] = (await begin(scope, [fileOf(scope, 'a'), fileOf(scope, 'b')], { dataset })) as Begun[];
      if (first === undefined || second === undefined) throw new Error('not begun');
      await contract.catalog.finishUploads([arrivalOf(first)], dataset);
      const rule = await applyRule(contract, first.rule, [scope.far]);
      expect(rule).toMatchObject({ state: 'REPLICATING', counts: { ok: 1, replicating: 1, stuck: 0 } });
      await contract.catalog.finishUploads([arrivalOf(second)], dataset);
      expect(await contract.catalog.readRule(first.rule)).toMatchObject({
        counts: { ok: 2, replicating: 0, stuck: 0 },
      });
    });

    it('is over when its rule ends, and nothing of it is left', async () => {
      const scope = await contract.openScope();
      // The profile claims what is in the other stores.
      const store = scope.source;
      const { lease, rule } = await beginOne(scope, fileOf(scope, 'a'), { store });
      await contract.catalog.tellRule(rule, 'deleted');
      const [ending] = await claimRulesOnly(contract, [rule]);
      if (ending === undefined) throw new Error('the rule is not due');
      await contract.catalog.releaseLocks(ending.lease, { limit: 10 });
      expect((await contract.read(scope, 'a')).replicas).toEqual([]);
      expect(await contract.catalog.renewRequests([lease], 1000)).toEqual([undefined]);
      expect(await contract.catalog.listUploads({ account: scope.name, limit: 10 })).toEqual([]);
      const [use] = (await contract.catalog.readStoreUse()).filter((one) => one.store === store);
      expect(use).toMatchObject({ completedBytes: 0, inFlightBytes: 0, pendingRequests: 0 });
    });
  });
}

const NOTHING = { attempt: undefined, soft: false, stuck: undefined, doubtedSources: [], bytes: 0, busyMs: 0 };

function arrivalOf({ lease, versionId }: Pick<Begun, 'lease' | 'versionId'>): TransferOutcome {
  return {
    ...NOTHING,
    lease,
    request: { state: 'DONE' },
    replica: { state: 'AVAILABLE', place: 'placed', token: `token ${versionId}`, verification: 'read-back' },
  };
}

function failureOf(lease: Begun['lease'], protocol: string): TransferOutcome {
  const failure = { source: '', protocol, at: 'destination', kind: 'corrupt' } as const;
  return {
    ...NOTHING,
    lease,
    request: { state: 'QUEUED', attempts: 1, timesStuck: 0, afterMs: 0, why: 'other bytes arrived' },
    attempt: { source: undefined, protocol, outcome: 'failed', failure, error: 'other bytes arrived' },
    replica: undefined,
  };
}

const NO_SOURCES = { state: 'NO_SOURCES', attempts: 1, timesStuck: 1, afterMs: 60_000, why: 'interrupted' } as const;

function stuckOf(lease: Begun['lease']): TransferOutcome {
  return {
    ...NOTHING,
    lease,
    request: NO_SOURCES,
    replica: { state: 'UNAVAILABLE', place: '', token: undefined, verification: 'none' },
    stuck: { kind: 'no-source', detail: 'its upload was interrupted' },
  };
}
