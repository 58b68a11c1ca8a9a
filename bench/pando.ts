import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, singleTarget, type Task } from './contestant.ts';

/** The launcher of the installed package, as a user has it. */
const launcher = process.env['PANDO_BENCH_LAUNCHER'];

/** Why Pando cannot take part; undefined when it can. */
export const pandoMissing =
  launcher === undefined ? (process.env['PANDO_BENCH_MISSING'] ?? 'run through npm run bench') : undefined;

export const pando = pandoWith('pando sync', []);
export const pandoRelaxed: Contestant = {
  ...pandoWith('pando sync --relaxed', ['--relaxed']),
  durable: 'no: soft copies, until a later flush',
};

/** The same concurrency as the peer it is compared with. */
export function pandoToS3(concurrency: number): Contestant {
  const name = `pando sync --transfers ${concurrency}`;
  return {
    ...pandoWith(name, ['--transfers', `${concurrency}`]),
    durable: 'as the server answers; catalog committed',
    verified: 'sha256 while sent, and by the server of each request',
  };
}

function pandoWith(name: string, options: readonly string[]): Contestant {
  return {
    name,
    durable: 'yes: files, directories and catalog, before each copy counts',
    verified: 'written: sha256 of what was read and written, length by the store',
    commands: (task) => [
      {
        program: process.execPath,
        args: [launcher ?? 'pando', 'sync', task.source, ...targetsOf(task), ...options, '--json'],
        env: { PANDO_DATA: task.state, PANDO_CONFIG: writeConfiguration(task) },
      },
    ],
    check: checkResult,
  };
}

function targetsOf(task: Task): readonly string[] {
  return task.s3 === undefined ? task.targets : ['pando://target'];
}

/** JSON is YAML too. No profile of the user's own gets in. */
function writeConfiguration(task: Task): string {
  const path = join(task.state, 'pando.json');
  const profiles = task.s3 === undefined ? {} : { target: s3Profile(task) };
  mkdirSync(task.state, { recursive: true });
  writeFileSync(path, JSON.stringify({ profiles }));
  return path;
}

function s3Profile(task: Task) {
  return {
    storage_provider: {
      type: 's3',
      options: { base_path: singleTarget(task), endpoint_url: task.s3?.endpoint, region: 'us-east-1' },
    },
    credentials_provider: {
      type: 'S3Credentials',
      options: { access_key: task.s3?.accessKey, secret_key: task.s3?.secretKey },
    },
  };
}

interface TargetResult {
  readonly added: number;
  readonly unchanged: number;
  readonly failed: number;
}

function checkResult(task: Task, output: string): void {
  const { targets } = JSON.parse(output) as { targets: readonly TargetResult[] };
  if (targets.length !== task.targets.length) throw new Error(`pando reports ${targets.length} targets`);
  for (const { added, unchanged, failed } of targets) {
    const done = task.isRepeated ? unchanged : added;
    if (done !== task.files || failed !== 0) {
      throw new Error(`pando reports ${added} added, ${unchanged} unchanged, ${failed} failed of ${task.files}`);
    }
  }
}
