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
    verified: 'sha256 while sent, and by the server: sha256 or MD5 of each request',
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

/** What rules placed at a store, against what is recorded of it; the first run has it placed. */
export const pandoAudit = pandoAuditWith('pando audit', [], 'the token of each file as recorded; lost and dark told');
export const pandoAuditChecksum = pandoAuditWith('pando audit --checksum', ['--checksum'], 'sha256 as recorded');

function pandoAuditWith(name: string, options: readonly string[], verified: string): Contestant {
  return {
    name,
    durable: 'nothing is written',
    verified,
    commands(task) {
      const env = { PANDO_DATA: task.state, PANDO_CONFIG: writeAuditConfiguration(task) };
      const command = (...args: readonly string[]) => ({
        program: process.execPath,
        args: [launcher ?? 'pando', ...args],
        env,
      });
      if (task.isRepeated) return [command('audit', 'target', ...options, '--json')];
      return [
        command('sync', 'data'),
        command('rule', 'add', 'data:*', '--stores', 'target', '--copies', '1'),
        command('worker', '--until-idle'),
      ];
    },
    check(task, output) {
      if (!task.isRepeated) return;
      const { stores } = JSON.parse(output) as {
        stores: readonly { readonly state: string; readonly counts: { readonly ok: number } }[];
      };
      const [{ state, counts }] = stores as [(typeof stores)[number]];
      if (state !== 'clean' || counts.ok !== task.files) throw new Error(`pando reports ${state}, ${counts.ok} ok`);
    },
  };
}

function writeAuditConfiguration(task: Task): string {
  const file = (base_path: string) => ({ storage_provider: { type: 'file', options: { base_path } } });
  const target = { ...file(singleTarget(task)), paths: { algorithm: 'plain' } };
  const path = join(task.state, 'pando.json');
  mkdirSync(task.state, { recursive: true });
  mkdirSync(singleTarget(task), { recursive: true });
  writeFileSync(path, JSON.stringify({ profiles: { data: file(task.source), target } }));
  return path;
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
