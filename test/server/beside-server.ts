import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { runInHost } from '../cli/command-hosts.ts';
import type { Ran } from '../cli/sandbox.ts';
import type { ServerProcess } from './server-process.ts';

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');

/** A command where the server is, on its catalog; in the soak in a process of its own. */
export function pandoBeside({ root }: ServerProcess, ...words: readonly string[]): Promise<Ran> {
  const args = [...words, '--data', join(root, 'data')];
  const surroundings = { cwd: root, env: { PATH: process.env['PATH'], HOME: root } };
  if (process.env['PANDO_SOAK'] !== '1') return runInHost({ args, ...surroundings });
  return new Promise((done) =>
    execFile(process.execPath, [launcher, ...args], surroundings, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

/** What it says on stdout, when all is well. */
export async function saidBeside(server: ServerProcess, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await pandoBeside(server, ...words);
  expect(code, stderr).toBe(0);
  return stdout;
}
