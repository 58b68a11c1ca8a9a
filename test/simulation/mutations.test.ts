import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTATIONS, mutate } from './mutations.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const SEEDS = 100;
const root = join(import.meta.dirname, '../..');

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  '%s: it can be put in',
  (_name, mutation) => {
    expect(mutate(mutation, readFileSync(join(root, mutation.file), 'utf8'))).toContain(mutation.to);
  },
);

// Those that one of the first seeds finds, from that one on; all of them, from the first on, in the soak.
const tried = soak ? MUTATIONS : MUTATIONS.filter(({ foundBy }) => foundBy !== undefined);

test.each(tried.map((mutation) => [mutation.name, mutation] as const))(
  '%s: the simulation finds it',
  async (name, { foundBy = 1 }) => {
    const from = soak ? 1 : foundBy;
    const { status, said } = await simulate(['--seed', String(from), '--seeds', String(SEEDS), '--mutation', name]);
    expect(said).toMatch(/^seed \d+: /m);
    expect(status).toBe(1);
  },
);

function simulate(args: readonly string[]): Promise<{ readonly status: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'test/simulation/main.ts'), ...args]);
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}
