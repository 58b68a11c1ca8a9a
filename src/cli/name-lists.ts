import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { NamePattern } from '../client/make-rules.ts';

/** A file of rules: `+ pattern` includes, `- pattern` excludes, `#` begins a comment. `-` reads stdin. */
export function readRules(file: string): NamePattern[] {
  return readLines(file).flatMap((line, i): NamePattern[] => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [, sign, pattern] = /^([+-])\s+(.+)$/.exec(line) ?? [];
    if (pattern === undefined)
      throw new InvalidArgumentError(`Line ${i + 1} of ${file} is no rule: write "+ pattern" or "- pattern".`);
    return [{ type: sign === '+' ? 'include' : 'exclude', pattern }];
  });
}

/** A file of names, one a line as they are. `-` reads stdin. */
export function readNames(file: string): ReadonlySet<string> {
  return new Set(readLines(file).filter((line) => line !== ''));
}

function readLines(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it is unreadable';
    throw new InvalidArgumentError(`${file} cannot be read (${code}).`);
  }
  return text.split('\n').map((line) => line.replace(/\r$/, ''));
}
