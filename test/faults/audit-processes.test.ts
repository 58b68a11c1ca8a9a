import { readFileSync, rmSync, truncateSync, utimesSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setStore } from '../../src/client/store-use.ts';
import { connect, type Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { startSshd } from '../servers/sshd.ts';
import { readTree, write } from '../sync/trees.ts';
import { INBOX, RuleWorld, UPLOADS } from './rule-world.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const LONG = { timeout: (soak ? 60 : 3) * 60_000 };

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Audited {
  readonly store: string;
  readonly state: string;
  readonly counts: Readonly<Record<'lost' | 'dark' | 'stale' | 'corrupt' | 'unreachable' | 'inFlight' | 'ok', number>>;
  readonly repairs: { readonly setAside: number; readonly forgotten: number };
}

async function audit(
  world: RuleWorld,
  ...args: readonly string[]
): Promise<{ code: number | null; stores: readonly Audited[] }> {
  const { code, stdout, stderr } = await world.run('audit', ...args, '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, stores: (JSON.parse(stdout) as { stores: readonly Audited[] }).stores };
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `runs/part-${String(at).padStart(4, '0')}`);
}

/** Where copies lie at a store, and the bytes of each. */
function copiesAt(world: RuleWorld, store: string): ReadonlyMap<string, string> {
  return new Map([...readTree(join(world.root, store))].map(([place, { sha256 }]) => [place, sha256]));
}

function damage(path: string): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

test(
  'what was deleted, truncated, rotted, replaced and added, and a server that stopped, are told apart and healed',
  LONG,
  async () => {
    await using sshd = await startSshd();
    const options = `{host: 127.0.0.1, port: ${sshd.port}, user: ${sshd.user}, base_path: ${sshd.makeRoot()}, key_file: ${sshd.keyFile}, host_key: '${sshd.fingerprint}'}`;
    const far = `  far:\n    storage_provider: {type: sftp, options: ${options}}\n`;
    await using world = new RuleWorld(await server.createDatabase(), far);
    const names = namesOf(40);
    for (const name of names) await world.put(name, Buffer.from(`these are the bytes of ${name}`));
    await world.addRule(`${INBOX}:*`, 2, ['a', 'far'], () => names);
    await world.workUntilIdle();
    const [lost, truncated, rotted, replaced] = [...copiesAt(world, 'a').keys()].map((place) =>
      join(world.root, 'a', place),
    );
    const right = copiesAt(world, 'a');
    rmSync(lost as string);
    truncateSync(truncated as string, 5);
    damage(rotted as string);
    rmSync(replaced as string);
    writeFileSync(replaced as string, 'what somebody else wrote here');
    write(join(world.root, 'a'), 'notes/of-mine.txt', 'nobody knows me');
    await sshd.stop();

    const found = await audit(world, 'a', 'far', '--checksum', '--repair');
    expect(found.code).toBe(4);
    expect(found.stores).toMatchObject([
      {
        store: 'a',
        counts: { lost: 1, corrupt: 2, stale: 1, dark: 1, unreachable: 0, ok: 36 },
        repairs: { forgotten: 1, setAside: 1 },
      },
      {
        store: 'far',
        state: 'unreachable',
        counts: { lost: 0, corrupt: 0, stale: 0, dark: 0 },
        repairs: { forgotten: 0 },
      },
    ]);
    // The source has them all, so nothing waits for the server that is away.
    await world.workUntilIdle();
    await sshd.start();
    const after = await audit(world, 'a', 'far', '--checksum');
    expect(after.code).toBe(0);
    expect(after.stores).toMatchObject([
      { state: 'clean', counts: { ok: 40 } },
      { state: 'clean', counts: { ok: 40 } },
    ]);
    expect(copiesAt(world, 'a')).toEqual(right);
  },
);

describe('on PostgreSQL', LONG, () => {
  test('two workers that delete at once, and an audit beside them, leave the last good copy of every object', async () => {
    await using world = new RuleWorld(await server.createDatabase());
    for (let round = 0; round < (soak ? 10 : 1); round++) {
      const names = namesOf(soak ? 500 : 80).map((name) => `${round}/${name}`);
      await world.upload(`set-${round}`, 'a', Object.fromEntries(names.map((name) => [name, Buffer.from(name)])));
      await world.addRule(`${UPLOADS}:set-${round}`, 1, ['c'], () => names);
      await world.workUntilIdle();
      await mayDelete(world, false);
      const rules = await world.rules();
      for (const { id } of await Array.fromAsync(rules.list())) await rules.remove(id, { purge: true });
      await world.workUntilIdle();
      await mayDelete(world, true);
      const copies = () => ['a', 'c'].flatMap((store) => [...copiesAt(world, store).values()]);
      const wanted = [...world.uploads.values()];
      expect(copies()).toHaveLength(wanted.length + names.length);

      // Each store's copies are the spare ones of the other's, and each worker begins at another store.
      // Both have chosen before either of them may go on.
      await using holder = await connect(world.catalogUrl);
      await holder.query('begin');
      await holder.query('select id from object for update');
      await using one = world.worker('--until-idle');
      await using other = world.oppositeWorker('--until-idle');
      while ((await waiting(world)) < 2) await sleep(20);
      await holder.query('commit');
      const audited = audit(world, 'a', 'c', '--repair', '--max-difference', '100%');
      expect([await one.ended, await other.ended]).toEqual([0, 0]);
      for (const { counts } of (await audited).stores) expect(counts).toMatchObject({ lost: 0, dark: 0 });
      expect(copies().toSorted()).toEqual(wanted.toSorted());
    }
  });

  test('a file that is uploaded while an audit looks is never dark', async () => {
    await using world = new RuleWorld(await server.createDatabase());
    const files = join(world.root, 'files');
    const count = soak ? 5_000 : 250;
    for (const name of namesOf(count)) write(files, name, Buffer.alloc(20_000, name));
    let isOver = false;
    const uploading = world
      .run('upload', files, '--scope', UPLOADS, '--store', 'a', '--transfers', '2')
      .finally(() => (isOver = true));
    while (!isOver && copiesAt(world, 'a').size === 0) await sleep(5);
    let beside = 0;
    while (!isOver) {
      const { stores } = await audit(world, 'a', '--repair', '--max-difference', '100%');
      expect(stores).toMatchObject([{ counts: { dark: 0, lost: 0 }, repairs: { setAside: 0, forgotten: 0 } }]);
      if (!isOver) beside++;
    }
    expect(await uploading).toMatchObject({ code: 0 });
    expect(beside).toBeGreaterThan(0);
    const { stores } = await audit(world, 'a', '--checksum');
    expect(stores).toMatchObject([{ state: 'clean', counts: { ok: count, dark: 0 } }]);
  });
});

/** Who waits for a row that somebody else has locked. */
async function waiting(world: RuleWorld): Promise<number> {
  const [row] = await world.query(
    `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return Number(row?.[0]);
}

/** Whether anything may be deleted at both stores. */
async function mayDelete(world: RuleWorld, may: boolean): Promise<void> {
  for (const store of ['a', 'c']) await setStore(world.pando, store, { delete: may });
}
