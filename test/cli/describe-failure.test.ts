import { expect, test } from 'vitest';
import { describeFailure } from '../../src/cli/describe-failure.ts';
import { ConfigurationError } from '../../src/config/problem.ts';
import { ObjectError, type ObjectErrorKind } from '../../src/engine/object-error.ts';
import { CatalogError } from '../../src/ports/catalog.ts';
import { StorageError, type StorageErrorKind } from '../../src/ports/storage.ts';

test('of a failure whose clean-up failed too, the failure is told', () => {
  const first = new StorageError('not-found', { store: 'files', key: 'a' }, 'not found');
  const error = new SuppressedError(new Error('it could not be closed'), first);
  expect(describeFailure(error)).toEqual(describeFailure(first));
});

test('what is wrong with a configuration ends with 2', () => {
  expect(describeFailure(new ConfigurationError([])).exitCode).toBe(2);
});

test.each<[ObjectErrorKind, number]>([
  ['not-found', 3],
  ['unavailable', 4],
  ['condition', 5],
  ['refused', 5],
  ['invalid-name', 2],
  ['aborted', 130],
  ['corrupt', 1],
  ['denied', 1],
  ['outcome-unknown', 1],
])('a verb on an object that failed as %s ends with %d', (kind, exitCode) => {
  const error = new ObjectError(kind, { scope: 'data', name: 'a' }, 'why');
  expect(describeFailure(error)).toEqual({ message: 'data:a: why', exitCode });
});

test.each<[StorageErrorKind, number]>([
  ['not-found', 3],
  ['unavailable', 4],
  ['timeout', 4],
  ['throttled', 4],
  ['invalid-key', 2],
  ['aborted', 130],
  ['denied', 1],
  ['full', 1],
  ['corrupt', 1],
])('a store that failed as %s ends with %d', (kind, exitCode) => {
  expect(describeFailure(new StorageError(kind, { store: 'near', key: 'a' }, 'why'))).toEqual({
    message: 'near: a: why',
    exitCode,
  });
});

test('of a catalog that cannot be reached it is said what to look at', () => {
  const error = new CatalogError('unavailable', 'catalog postgres://db/pando: connect ECONNREFUSED');
  expect(describeFailure(error)).toEqual({
    message: expect.stringMatching(
      /^catalog postgres:\/\/db\/pando: connect ECONNREFUSED\n {2}→ is its server running/,
    ),
    exitCode: 4,
  });
});
