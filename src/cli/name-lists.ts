import { readFileSync, readSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { NamePattern } from '../client/make-rules.ts';
import { demandOwnFile } from './demand-own-file.ts';
import { REASONS } from './describe-failure.ts';
import { unsealed } from './stdin.ts';

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
  return readText(file)
    .split('\n')
    .map((line) => line.replace(/\r$/, ''));
}

interface ReadText {
  readonly file: string;
  readonly text: string;
}

/** What the options of this command line have named, for who has to pass it on. */
let texts: ReadText[] = [];

export function forgetTexts(): void {
  texts = [];
}

export function textsRead(): readonly ReadText[] {
  return texts;
}

/** `-` reads stdin. */
export function readText(file: string): string {
  if (file !== '-') demandOwnFile('file', file);
  try {
    const text = file === '-' ? readStdin() : readFileSync(file, 'utf8');
    texts.push({ file, text });
    return text;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new InvalidArgumentError(`It cannot be read: ${REASONS[code] ?? (code || 'nobody says why')}.`);
  }
}

const STDIN = 0;
const STDIN_CHUNK_BYTES = 64 * 1024;

/** A pipe whose writer does not block says so to its reader too: `pando … | pando …`. It is waited for. */
function readStdin(): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(STDIN_CHUNK_BYTES);
    try {
      const length = readSync(STDIN, chunk);
      if (length === 0) return textOf(chunks);
      chunks.push(chunk.subarray(0, length));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EOF') return textOf(chunks);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function textOf(chunks: readonly Buffer[]): string {
  return unsealed(Buffer.concat(chunks)).toString('utf8');
}
