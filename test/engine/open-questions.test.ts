import { expect, test } from 'vitest';
import { OpenQuestions } from '../../src/engine/stores/open-questions.ts';

test('a store that has not answered is known, until it does, or fails', async () => {
  const questions = new OpenQuestions();
  const answer = Promise.withResolvers<string>();
  const asked = questions.ask('file:///hung/', () => answer.promise);
  expect(questions.has('file:///hung/')).toBe(true);
  expect(questions.has('file:///well/')).toBe(false);
  answer.resolve('late');
  expect(await asked).toBe('late');
  expect(questions.has('file:///hung/')).toBe(false);
  await expect(questions.ask('file:///hung/', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  expect(questions.has('file:///hung/')).toBe(false);
});
