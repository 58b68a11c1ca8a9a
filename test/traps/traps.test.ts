import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TRAPS } from './all-traps.ts';
import { ROWS } from './rows.ts';
import type { Trap } from './trap.ts';

const repository = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Names of tests that several adapters share. */
const contracts = readdirSync(join(repository, 'src/testing'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(join('src/testing', name)))
  .join('\n');

const PROMISES = Array.from({ length: 14 }, (_, i) => `I${i + 1}`);

describe('the list of traps', () => {
  test('has one for everything that is to have one, and two at least for each promise', () => {
    const rows: readonly string[] = TRAPS.map(({ row }) => row);
    expect(ROWS.filter((row) => !rows.includes(row))).toEqual([]);
    expect(PROMISES.filter((promise) => rows.filter((row) => row === promise).length < 2)).toEqual([]);
  });

  test('names each once', () => {
    const names = TRAPS.map(({ row, name }) => `${row}: ${name}`);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  test('changes what is there once, into something else that can be read', () => {
    expect(TRAPS.flatMap((trap) => problemOfChange(trap) ?? [])).toEqual([]);
  });

  test('names tests that are there', () => {
    expect(TRAPS.flatMap((trap) => trap.tests.flatMap((path) => problemOfTest(trap, path) ?? []))).toEqual([]);
  });
});

function problemOfChange({ name, file, find, replace }: Trap): string | undefined {
  if (!/^src\/.*\.ts$/.test(file) || !existsSync(join(repository, file))) return `${name}: there is no ${file}`;
  const parts = read(file).split(find);
  if (parts.length !== 2) return `${name}: ${file} has ${parts.length - 1} times: ${find}`;
  if (find === replace) return `${name}: nothing is changed`;
  try {
    stripTypeScriptTypes(parts.join(replace));
    return undefined;
  } catch (error) {
    return `${name}: ${file} is no TypeScript any more: ${String(error)}`;
  }
}

/** Of a name that is put together from a table, the words are there. */
function problemOfTest({ name, only = '' }: Trap, path: string): string | undefined {
  if (!/^test\/.*\.test\.ts$/.test(path) || !existsSync(join(repository, path))) return `${name}: there is no ${path}`;
  const text = read(path) + contracts;
  const missing = only.split(/[^\p{L}\d.-]+/u).filter((word) => !text.includes(word));
  return missing.length === 0 ? undefined : `${name}: no test of ${path} is called ${only}: ${missing.join(', ')}`;
}
