import type { Trap } from './trap.ts';

const KNOWN = ['test/sync/known-traps.test.ts'];
const OBSERVATIONS = ['test/sync/observations.test.ts'];
const COPIES = ['test/sync/copies.test.ts'];
const UNMATCHED = 'src/engine/sync/delete-unmatched.ts';

export const SYNC_DELETE_TRAPS: readonly Trap[] = [
  {
    name: 'a delete that failed is counted as done',
    row: 'trap: failing deletes told as success',
    file: UNMATCHED,
    find: `        kept.add(storage.place);
        args.tally.fail(one.key, target, { kind: error.kind, message: \`not deleted: \${error.message}\` });`,
    replace: '        args.tally.target(target).deleted++;',
    tests: COPIES,
    only: 'a delete that fails is reported',
  },
  {
    name: 'a dry run deletes',
    row: 'trap: a dry run that deletes',
    file: 'src/engine/sync/sync-deletes.ts',
    find: `    if (leases === undefined) {
      for (const { at } of batch) for (const { target } of at) tally.target(target).deleted++;
      return;
    }`,
    replace: `    if (leases === undefined) {
      for (const { key, at } of batch)
        for (const { target, token } of at) {
          tally.target(target).deleted++;
          await this.#o.targets[target]?.delete(key, { ifToken: token });
        }
      return;
    }`,
    tests: KNOWN,
    only: 'writes and deletes nothing anywhere',
  },
  {
    name: '--verify takes copies that nobody has read',
    row: 'I8',
    file: 'src/domain/transfer/difference.ts',
    find: 'if (difference === UPDATE || facts.verify === undefined) return difference;',
    replace: "if (difference === UPDATE || Object.hasOwn(facts, 'verify')) return difference;",
    tests: ['test/cli/sync-verify.test.ts'],
    only: 'where nothing was known',
  },
  {
    name: 'what a refused run has added makes the same deletes a smaller part of the target',
    row: 'I7',
    file: 'src/engine/sync/delete-guard.ts',
    find: 'return Math.max(listed - grown, unmatched);',
    replace: 'return Math.max(listed, unmatched);',
    tests: ['test/sync/delete-limits.test.ts'],
    only: 'what a refused run has added',
  },
  {
    name: 'a source that turns out empty wipes the target',
    row: 'trap: an empty source wipes the target',
    file: 'src/engine/sync/delete-guard.ts',
    find: 'if (isSourceEmpty && count > 0 && options.allowEmptySource !== true) {',
    replace: 'if (isSourceEmpty && count > 0 && options.allowEmptySource === false) {',
    tests: KNOWN,
    only: 'deletes nothing where all was meant to go',
  },
  {
    name: 'more than --max-delete is deleted',
    row: 'trap: an empty source wipes the target',
    file: 'src/domain/transfer/delete-limit.ts',
    find: 'count * 100 <= total * limit.percent',
    replace: 'count <= total * limit.percent',
    tests: KNOWN,
    only: 'that lost most of its objects deletes no more than allowed',
  },
  {
    name: 'an emptied source is not looked at again before the first delete',
    row: 'I9',
    file: UNMATCHED,
    find: 'if (gone.length > 0) await args.checkSource();',
    replace: '',
    tests: ['test/sync/source-stays.test.ts'],
  },
  {
    name: 'a source that cannot be asked about an object has none',
    row: 'seen at the source: the store cannot be asked',
    file: UNMATCHED,
    find: "if (error.kind === 'not-found') missing.push(one);",
    replace: "if (error.kind !== 'aborted') missing.push(one);",
    tests: OBSERVATIONS,
    only: 'directly before a delete the source is asked again',
  },
  {
    name: 'what is back by the time of its delete is deleted',
    row: 'seen at the source: absent, in a run that deletes',
    file: UNMATCHED,
    find: 'await args.source.head(one.key, { signal: args.signal });',
    replace: 'if (one.key !== undefined) missing.push(one);',
    tests: OBSERVATIONS,
    only: 'and what is back by then is not deleted',
  },
  {
    name: 'what is deleted leaves no tombstone',
    row: 'seen at the source: absent, in a run that deletes',
    file: UNMATCHED,
    find: 'if (one.known === undefined || one.known.isTombstone) {',
    replace: 'if (one.known === undefined || one.at.length > 0) {',
    tests: OBSERVATIONS,
    only: 'nothing, in a run that was told to delete',
  },
  {
    name: 'a copy that was changed since it was listed is deleted',
    row: 'seen at a replica: absent at the source, in a run that deletes',
    file: UNMATCHED,
    find: 'await storage.delete(one.key, { ifToken: token, deferred: true, signal: args.signal });',
    replace: 'await storage.delete(one.key, { deferred: true, signal: args.signal });',
    tests: OBSERVATIONS,
    only: 'and a copy that was changed since it was listed is left',
  },
  {
    name: 'the copy of a version that came meanwhile is deleted',
    row: 'I7',
    file: UNMATCHED,
    find: "if (outcomes[i]?.kind !== 'conflict') deletable.push(one);",
    replace: "if (outcomes[i]?.kind !== 'refused') deletable.push(one);",
    tests: OBSERVATIONS,
    only: 'and a version that came meanwhile keeps the copy',
  },
  {
    name: 'what was published under a lost lease is taken back although it counts',
    row: 'I7',
    file: 'src/engine/sync/take-back-late.ts',
    find: 'if (!(await isKept(deps, storage.place, copy))) await takeBack(storage, copy);',
    replace: 'await takeBack(storage, copy);',
    tests: ['test/sync/take-back.test.ts'],
  },
  {
    name: 'deletes go on when the lease is over',
    row: 'leases of syncs',
    file: 'src/engine/sync/sync-deletes.ts',
    find: 'isLost: () => leases.isLost || leases.isOver,',
    replace: 'isLost: () => leases.isLost,',
    tests: ['test/sync/leases.test.ts'],
    only: 'that is over when the deletes come deletes nothing',
  },
  {
    name: 'an object whose bytes wait to be deleted comes back by being listed',
    row: 'trap: deleted, then back again',
    file: 'src/engine/sync/plan-object.ts',
    find: "return replica?.state === 'BEING_DELETED' && (replica.token === source.token || !replica.hasToken);",
    replace: "return replica?.state === 'COPYING' && (replica.token === source.token || !replica.hasToken);",
    tests: OBSERVATIONS,
    only: 'an object whose bytes still wait to be deleted',
  },
  {
    name: 'what rules have placed at a target goes as a leftover',
    row: 'I7',
    file: 'src/engine/sync/sync-deletes.ts',
    find: 'if (await ports.catalog.holdsPlaced({ place: target.storage.place, scope })) return target.title;',
    replace: '',
    tests: ['test/cli/uploads.test.ts'],
    only: 'is not undone by a sync with deletes into the same store',
  },
  {
    name: 'what is left out of memory while unmatched is forgotten',
    row: 'I11',
    file: 'src/engine/sync/sync-planner.ts',
    find: 'if (this.#unmatched.length >= UNMATCHED_MAX) this.#unmatchedLeft = true;',
    replace: 'if (this.#unmatched.length >= UNMATCHED_MAX) this.#unmatchedLeft = false;',
    tests: ['test/sync/many-unmatched.test.ts'],
  },
];
