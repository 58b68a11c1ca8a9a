import { describe, expect, test } from 'vitest';
import type { CollectionProblemKind } from '../../../src/domain/collection/collection.ts';
import {
  type FoundMember,
  judgeMember,
  judgeParent,
  type ProposedMember,
} from '../../../src/domain/collection/judge-members.ts';

const parent = { scope: 'lab', name: 'parent' };
const SHA = 'ab'.repeat(32);
const alive = { isDeleted: false, size: 3, sha256: SHA };

describe('what may be a member', () => {
  test.each<[string, 'dataset' | 'container', Partial<ProposedMember>, FoundMember, CollectionProblemKind | undefined]>(
    [
      ['an object of a dataset', 'dataset', {}, { object: alive }, undefined],
      ['one as it is taken for', 'dataset', { size: 3, sha256: SHA.toUpperCase() }, { object: alive }, undefined],
      ['one of another size', 'dataset', { size: 4, sha256: SHA }, { object: alive }, 'differs'],
      ['one of another hash', 'dataset', { sha256: 'cd'.repeat(32) }, { object: alive }, 'differs'],
      [
        'one whose hash nobody knows',
        'dataset',
        { sha256: SHA },
        { object: { ...alive, sha256: undefined } },
        'unread',
      ],
      ['the same, by size alone', 'dataset', { size: 3 }, { object: { ...alive, sha256: undefined } }, undefined],
      ['a deleted object', 'dataset', {}, { object: { ...alive, isDeleted: true } }, 'deleted'],
      ['nothing, of a dataset', 'dataset', {}, {}, 'unknown'],
      ['a collection, of a dataset', 'dataset', {}, { collection: { kind: 'dataset', isAbove: false } }, 'wrong-kind'],
      [
        'a collection that has the name of a deleted object',
        'dataset',
        {},
        { object: { ...alive, isDeleted: true }, collection: { kind: 'dataset', isAbove: false } },
        'wrong-kind',
      ],
      [
        'an object beside a collection of its name',
        'dataset',
        {},
        { object: alive, collection: { kind: 'dataset', isAbove: false } },
        undefined,
      ],
      ['a dataset of a container', 'container', {}, { collection: { kind: 'dataset', isAbove: false } }, undefined],
      ['a container of a container', 'container', {}, { collection: { kind: 'container', isAbove: false } }, undefined],
      ['what holds the container', 'container', {}, { collection: { kind: 'container', isAbove: true } }, 'cycle'],
      ['an object, of a container', 'container', {}, { object: alive }, 'wrong-kind'],
      [
        'a collection beside an object of its name',
        'container',
        {},
        { object: alive, collection: { kind: 'dataset', isAbove: false } },
        undefined,
      ],
      ['nothing, of a container', 'container', {}, {}, 'unknown'],
    ],
  )('%s', (_what, kind, said, found, problem) => {
    const judged = judgeMember({ ...parent, kind }, { scope: 'lab', name: 'member', ...said }, found);
    expect(judged?.kind).toBe(problem);
    if (judged !== undefined) expect(judged.message).toContain('lab:member');
  });

  test('a container is told apart from one that holds it', () => {
    const above = { collection: { kind: 'container', isAbove: true } } as const;
    expect(judgeMember({ ...parent, kind: 'container' }, parent, above)?.message).toBe('lab:parent cannot hold itself');
    expect(judgeMember({ ...parent, kind: 'container' }, { scope: 'lab', name: 'top' }, above)?.message).toBe(
      'lab:top holds lab:parent already, so it cannot be in it',
    );
  });
});

describe('what may change at all', () => {
  test.each<
    [
      isOpen: boolean,
      isMonotonic: boolean,
      attach: CollectionProblemKind | undefined,
      detach: CollectionProblemKind | undefined,
    ]
  >([
    [true, false, undefined, undefined],
    [true, true, undefined, 'monotonic'],
    [false, false, 'closed', 'closed'],
    [false, true, 'closed', 'closed'],
  ])('open %s, monotonic %s', (isOpen, isMonotonic, attach, detach) => {
    const standing = { kind: 'dataset', isOpen, isMonotonic } as const;
    expect(judgeParent(parent, standing, 'attach')?.kind).toBe(attach);
    expect(judgeParent(parent, standing, 'detach')?.kind).toBe(detach);
  });

  test('nothing where there is no collection', () => {
    expect(judgeParent(parent, undefined, 'attach')?.kind).toBe('unknown');
  });
});
