import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { upload } from '../../src/client/upload.ts';
import { Rules } from '../../src/client/rules.ts';
import { Pando } from '../../src/compose.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { LockRecord, RuleRecord } from '../../src/ports/rules.ts';
import { findBreaches } from '../catalog/rule-invariants.ts';
import { connect } from '../servers/postgres.ts';
import { leftovers, readTree, write } from '../sync/trees.ts';
import { WorkerProcess } from './worker-process.ts';

/** Where files are written and deleted through Pando. */
export const INBOX = 'inbox';
/** Where files are uploaded to. */
export const UPLOADS = 'user.jdoe';
/** Stores that rules fill. At the last one everything that no rule wants goes at once. */
export const STORES = ['a', 'b', 'c', 'greedy'] as const;
const ACCOUNT = 'jdoe.physics';
/** What the exit code of a worker says of something that was put off. */
const UNAVAILABLE = 4;
/** A delete waits as long as a worker that died may still be about to leave a copy. */
const PUT_OFF_MS_MAX = 60_000;
const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');

/** What a rule must have brought in the end. */
interface Wanted {
  copies: number;
  readonly stores: readonly string[];
  readonly names: () => readonly string[];
}

/**
 * Real directories with a scope that is written to and one that is uploaded to, a catalog of either engine, real workers, and a
 * plain model of what was asked for.
 */
export class RuleWorld implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-kept-'));
  readonly catalogUrl: string;
  readonly pando: Pando;
  /** As YAML. */
  readonly profiles: readonly string[];
  /** sha256 by name. */
  readonly inbox = new Map<string, string>();
  readonly uploads = new Map<string, string>();
  readonly wanted = new Map<number, Wanted>();
  #outside: ReturnType<typeof connect> | undefined;

  /** `more`: profiles besides, as YAML. */
  constructor(catalogUrl?: string, more = '') {
    this.catalogUrl = catalogUrl ?? `sqlite:${join(this.root, 'catalog.sqlite')}`;
    const profile = (name: string): string => {
      mkdirSync(join(this.root, name));
      const more = name === 'greedy' ? '    greedy: true\n' : '';
      return `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${join(this.root, name)}}}\n${more}`;
    };
    this.profiles = [...[INBOX, ...STORES].map(profile), more];
    const file = join(this.root, 'pando.yaml');
    writeFileSync(file, `catalog: ${this.catalogUrl}\nprofiles:\n${this.profiles.join('')}`);
    this.pando = new Pando(loadConfiguration({ config: file }));
  }

  /** The real command in a process of its own. */
  run(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const child = spawn(process.execPath, [launcher, ...args, '--config', join(this.root, 'pando.yaml')], {
      env: { PATH: process.env['PATH'], HOME: this.root },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (said.stdout += String(text)));
    child.stderr.on('data', (text) => (said.stderr += String(text)));
    return new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) => done({ ...said, code }));
    });
  }

  worker(...args: readonly string[]): WorkerProcess {
    return this.#worker(this.profiles, args);
  }

  /** One that goes through the stores in the opposite order. */
  oppositeWorker(...args: readonly string[]): WorkerProcess {
    return this.#worker(this.profiles.toReversed(), args);
  }

  #worker(profiles: readonly string[], args: readonly string[]): WorkerProcess {
    const nothing = { root: this.root, source: '', targets: [] };
    return new WorkerProcess(nothing, this.catalogUrl, { places: [], more: profiles.join(''), args });
  }

  async put(name: string, body: Buffer): Promise<void> {
    const objects = await this.pando.objects();
    await objects.write({ scope: await this.#openInbox(), name, body });
    this.inbox.set(name, sha256Of(body));
  }

  async remove(name: string): Promise<void> {
    const objects = await this.pando.objects();
    await objects.delete({ scope: await this.#openInbox(), name });
    this.inbox.delete(name);
  }

  async upload(dataset: string, store: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
    const directory = join(this.root, 'files', dataset);
    for (const [name, body] of Object.entries(files)) write(directory, name, body);
    const given = { pando: this.pando, account: ACCOUNT, scope: UPLOADS };
    const uploaded = await upload(given, [directory], { dataset, store });
    expect(uploaded.files.filter(({ state }) => state !== 'uploaded')).toEqual([]);
    for (const [name, body] of Object.entries(files)) this.uploads.set(name, sha256Of(body));
  }

  async rules(): Promise<Rules> {
    const { configuration, clock } = this.pando;
    const actor = { account: ACCOUNT, isAdministrator: true };
    const catalog = await this.pando.catalog();
    return new Rules({ catalog, configuration, actor, scope: undefined, nowMs: () => clock.nowMs() });
  }

  /** A rule about a target of which `names` are the objects in the end. */
  async addRule(
    target: string,
    copies: number,
    stores: readonly string[],
    names: () => readonly string[],
  ): Promise<number> {
    const { id } = await (await this.rules()).add([target], { copies, stores: stores.join('|'), purge: true });
    this.wanted.set(id, { copies, stores, names });
    return id;
  }

  async endRule(id: number): Promise<void> {
    await (await this.rules()).remove(id);
    this.wanted.delete(id);
  }

  async setCopies(id: number, copies: number): Promise<void> {
    await (await this.rules()).update(id, { copies });
    (this.wanted.get(id) as Wanted).copies = copies;
  }

  /** Rows of the database itself. */
  async query(text: string): Promise<readonly unknown[][]> {
    if (!this.catalogUrl.startsWith('sqlite:')) {
      // Asked many times a second, each connection would be a process of the server's.
      const client = await (this.#outside ??= connect(this.catalogUrl));
      return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
    }
    using database = new DatabaseSync(this.catalogUrl.slice('sqlite:'.length), { timeout: 10_000 });
    const statement = database.prepare(text);
    statement.setReturnArrays(true);
    return statement.all() as unknown as unknown[][];
  }

  /** Requests and rules that a process has claimed. */
  async inHand(pid: number): Promise<number> {
    const [row] = await this.query(`select
      (select count(*) from request where state = 'SUBMITTED' and owner like '%, process ${pid}') +
      (select count(*) from rule where due_ms is not null and owner like '%, process ${pid}')`);
    return Number(row?.[0]);
  }

  /** Carries out all there is, as a user would after something went wrong: code 4 means once more, a little later. */
  async workUntilIdle(): Promise<void> {
    for (const untilMs = Date.now() + PUT_OFF_MS_MAX; ; await sleep(500)) {
      await using worker = this.worker('--until-idle', '--json');
      const code = await worker.ended;
      if (code === UNAVAILABLE && Date.now() < untilMs) continue;
      await this.#expectIdle(worker, code);
      return;
    }
  }

  async #expectIdle(worker: WorkerProcess, code: number | string | null): Promise<void> {
    const left = await this.query(
      'select id, kind, state, attempts, due_ms, owner, last_error from request where due_ms is not null',
    );
    expect({ code, left }, worker.said).toEqual({ code: 0, left: [] });
  }

  /** What rules are stuck on is tried now: a copy over which many workers died waits for minutes. */
  async retryStuck(): Promise<void> {
    await (await this.pando.catalog()).hasten({ fact: 'asked' });
  }

  /** Nothing lost, nothing doubled, nothing left behind: catalog, stores and model agree. */
  async expectAsAsked(): Promise<void> {
    const rules = await Array.fromAsync((await this.rules()).list());
    expect(rules.filter(({ state }) => state !== 'OK')).toEqual([]);
    for (const scope of [INBOX, UPLOADS])
      expect(
        await findBreaches((text) => this.query(text), { scope, account: 'jdoe', places: `%${this.root}/%` }),
      ).toEqual([]);
    expect(
      await this.query('select id, kind, name, state, owner, last_error from request where due_ms is not null'),
    ).toEqual([]);
    // 1 is COPYING, 7 BEING_DELETED.
    expect(await this.query('select object, store, state from replica where state in (1, 7)')).toEqual([]);
    const locks = await this.#locks(rules);
    this.#expectRules(rules, locks);
    await this.#expectCopies(locks);
  }

  async #locks(rules: readonly RuleRecord[]): Promise<readonly LockRecord[]> {
    const catalog = await this.pando.catalog();
    const pages = await Promise.all(rules.map(({ id }) => catalog.listLocks({ rule: id, limit: 1_000_000 })));
    return pages.flat();
  }

  #expectRules(rules: readonly RuleRecord[], locks: readonly LockRecord[]): void {
    const found = Map.groupBy(locks, ({ rule }) => rule);
    const uploading = rules.filter(({ activity }) => activity === 'upload').map(({ id }) => id);
    expect(rules.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(
      [...this.wanted.keys(), ...uploading].toSorted((a, b) => a - b),
    );
    for (const [id, { copies, stores, names }] of this.wanted) {
      const own = found.get(id) ?? [];
      const counts = Object.fromEntries(
        [...Map.groupBy(own, ({ name }) => name)].map(([name, ofObject]) => [name, ofObject.length]),
      );
      expect(counts, `rule ${id}`).toEqual(Object.fromEntries(names().map((name) => [name, copies])));
      expect(own.filter(({ store }) => !stores.includes(this.#nameOf(store)))).toEqual([]);
    }
    const uploaded = uploading.flatMap((id) => found.get(id) ?? []).map(({ name }) => name);
    expect(uploaded.toSorted()).toEqual([...this.uploads.keys()].toSorted());
  }

  /** At each store the files of its copies with the right bytes, and nothing else. */
  async #expectCopies(locks: readonly LockRecord[]): Promise<void> {
    const catalog = await this.pando.catalog();
    const expected = new Map([INBOX, ...STORES].map((store) => [store, new Map<string, string>()]));
    for (const [scope, contents] of [
      [INBOX, this.inbox],
      [UPLOADS, this.uploads],
    ] as const) {
      const claims = Map.groupBy(
        locks.filter((lock) => lock.scope === scope),
        ({ name }) => name,
      );
      for (const [name, sha256] of contents) {
        const row = await catalog.readObject(scope, name);
        const stores = new Set((claims.get(name) ?? []).map(({ store }) => this.#nameOf(store)));
        if (scope === INBOX) stores.add(INBOX);
        const replicas = row?.replicas ?? [];
        expect(
          replicas.map(({ store, state, versionId }) => `${this.#nameOf(store)} ${state} ${versionId}`).toSorted(),
          `${scope}:${name}`,
        ).toEqual([...stores].map((store) => `${store} AVAILABLE ${row?.current.id}`).toSorted());
        for (const { store, place } of replicas) expected.get(this.#nameOf(store))?.set(place, sha256);
      }
    }
    for (const [store, files] of expected) {
      const there = [...readTree(join(this.root, store))].map(([place, { sha256 }]) => [place, sha256] as const);
      expect(new Map(there), store).toEqual(files);
      expect(leftovers(join(this.root, store)), store).toEqual([]);
    }
  }

  #nameOf(place: string): string {
    return this.pando.stores().get(place)?.name ?? place;
  }

  async #openInbox() {
    const profile = this.pando.profile(INBOX);
    if (profile === undefined) throw new Error('there is no inbox');
    return this.pando.openScope(profile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#outside)?.end();
    await this.pando[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

function sha256Of(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
