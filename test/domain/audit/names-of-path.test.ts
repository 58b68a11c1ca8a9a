import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePathAlgorithms } from '../../../src/domain/store/paths/path-algorithms.ts';
import { namesOfPath } from '../../../src/domain/store/paths/names-of-path.ts';

const algorithms = makePathAlgorithms((text) => hash('md5', text));

test.each([...algorithms.keys()])('an object is among those that may lie at its path (%s)', (algorithm) => {
  const part = fc.stringMatching(/^[a-z0-9][a-z0-9.]{0,5}[a-z0-9]$/);
  const scope = fc.oneof(part, fc.constantFrom('user.jdoe', 'group.x', 'data', 'userland.a'));
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(scope, name, (one, called) => {
      const object = { scope: one, name: called };
      const outcome = algorithms.get(algorithm)?.pathOf(object, { scope: 'd', name: 'set/of' });
      if (outcome === undefined || 'refused' in outcome) return;
      expect(namesOfPath(outcome.path, one)).toContainEqual(object);
    }),
  );
});
