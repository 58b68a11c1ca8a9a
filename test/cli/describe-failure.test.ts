import { expect, test } from 'vitest';
import { describeFailure } from '../../src/cli/describe-failure.ts';
import { StorageError } from '../../src/ports/storage.ts';

test('of a failure whose clean-up failed too, the failure is told', () => {
  const first = new StorageError('not-found', { store: 'files', key: 'a' }, 'not found');
  const error = new SuppressedError(new Error('it could not be closed'), first);
  expect(describeFailure(error)).toEqual(describeFailure(first));
});
