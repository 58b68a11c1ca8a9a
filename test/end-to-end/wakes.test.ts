import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INBOX, RuleWorld } from '../faults/rule-world.ts';
import type { Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { startedFile } from '../started-files.ts';

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const ENGINES = { SQLite: async () => undefined, PostgreSQL: () => server.createDatabase() };
/** Until a worker that did something is idle. */
const IDLE_MS = 300;
const PATIENCE_MS = 10_000;

const PAIR = `  pair:
    storage_provider: {type: file, options: {base_path: pair}}
    replicas: [{replica_profile: copy, read_priority: 1}]
  copy:
    storage_provider: {type: file, options: {base_path: copy}}
`;

function openWorld(catalog: string | undefined): RuleWorld {
  const world = new RuleWorld(catalog, PAIR);
  for (const name of ['pair', 'copy']) mkdirSync(join(world.root, name));
  return world;
}

/** A process of its own that looks for work once an hour. */
async function startHourly(world: RuleWorld): Promise<AsyncDisposable> {
  const entry = startedFile(join(import.meta.dirname, 'hourly-worker-child.ts'));
  const child = spawn(process.execPath, [entry, join(world.root, 'pando.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), ended]);
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Where a rule puts an object of the inbox at the store `a`. */
function placeOf(world: RuleWorld, name: string): string {
  const hash = createHash('md5').update(`${INBOX}:${name}`).digest('hex');
  return join(world.root, 'a', hash.slice(0, 2), hash.slice(2, 4), INBOX, name);
}

/** As a read does that found no copy at the replica. */
async function queueCopy(world: RuleWorld, name: string): Promise<void> {
  const profile = world.pando.profile('pair');
  if (profile === undefined) throw new Error('there is no profile pair');
  const objects = await world.pando.objects();
  await objects.write({ scope: await world.pando.openScope(profile), name, body: Buffer.from(name) });
  const catalog = await world.pando.catalog();
  const [[{ store } = { store: '' }], written] = await Promise.all([
    catalog.listStandingRules('pair'),
    catalog.readObject('pair', name),
  ]);
  const versionId = written?.current.id ?? 0;
  await sleep(IDLE_MS);
  await catalog.record({
    requests: [{ kind: 'copy', scope: 'pair', name, versionId, store, reason: 'miss', priority: 3 }],
  });
}

/** A file is there, or is not any more. */
async function until(path: string, isThere = true): Promise<void> {
  const startMs = performance.now();
  while (existsSync(path) !== isThere) {
    if (performance.now() - startMs > PATIENCE_MS) throw new Error(`${path}: nothing has come of it`);
    await sleep(5);
  }
}

describe.each(['SQLite', 'PostgreSQL'] as const)('an idle worker on %s', (engine) => {
  test('that would look again in an hour begins at once what another process asks for', async () => {
    await using world = openWorld(await ENGINES[engine]());
    await using _ = await startHourly(world);
    await world.put('a', Buffer.from('a'));
    await sleep(IDLE_MS);
    const rule = await world.addRule(`${INBOX}:a`, 1, ['a'], () => ['a']);
    await until(placeOf(world, 'a'));
    await sleep(IDLE_MS);
    await world.endRule(rule);
    await until(placeOf(world, 'a'), false);
    await queueCopy(world, 'b');
    await until(join(world.root, 'copy', 'b'));
    const synced = await world.run('sync', `${INBOX}:`, 'c:', '--execution-mode', 'workers');
    expect(synced.code, synced.stderr).toBe(0);
    expect(synced.stderr).not.toContain('no worker');
  });
});
