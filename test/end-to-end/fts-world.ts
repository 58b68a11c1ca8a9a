import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Rules } from '../../src/client/rules.ts';
import { Pando } from '../../src/compose.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { RuleTerms } from '../../src/client/rule-order.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { ftsJobId } from '../../src/transfer-tools/fts3/job-id.ts';
import { FakeFts } from '../../src/testing/index.ts';
import { WorkerProcess } from '../faults/worker-process.ts';
import type { DavServer } from '../servers/apache.ts';

/** Where files are written, and where rules bring them. Workers reach both as directories, others by WebDAV. */
const STORES = ['near', 'far'] as const;
export const TOKEN = 'a-token-of-the-site';

export interface FtsWorldOptions {
  /** More of the tool's settings. */
  readonly tool?: string;
  /** Instead of the directories themselves. */
  readonly isRemoteOnly?: boolean;
}

/** Two stores, an FTS server that is none and moves bytes between them, and a configuration over all of it. */
export class FtsWorld implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-fts-'));
  readonly fake: FakeFts;
  readonly pando: Pando;
  readonly #directories: Readonly<Record<string, string>>;
  readonly #yaml: string;

  private constructor(
    fake: FakeFts,
    apache: DavServer,
    { tool = '', isRemoteOnly = false }: FtsWorldOptions,
    collections: readonly string[],
  ) {
    this.fake = fake;
    this.#directories = Object.fromEntries(STORES.map((name, at) => [name, join(apache.data, collections[at] ?? '')]));
    const profiles = STORES.map((name, at) => {
      const url = `${apache.url}${collections[at]}`;
      const web = `{type: webdav, options: {url: '${url}', user: ${apache.user}, password: ${apache.password}, flushes: true}}`;
      const own = `{type: file, options: {base_path: ${this.#directories[name]}}}`;
      const ways = isRemoteOnly ? web : `${own}\n    protocols: [{storage_provider: ${web}}]`;
      return `  ${name}:\n    paths: {algorithm: plain}\n    storage_provider: ${ways}\n`;
    });
    writeFileSync(join(this.root, 'token'), `${TOKEN}\n`);
    const said = `endpoint: ${fake.endpoint}, vo: pando, token_file: ${join(this.root, 'token')}, poll: 100ms${tool}`;
    this.#yaml = `${profiles.join('')}transfer_tools:\n  cern: {type: fts3, ${said}}\n`;
    writeFileSync(this.configuration, `catalog: ${this.#catalog}\nprofiles:\n${this.#yaml}`);
    this.pando = new Pando(loadConfiguration({ config: this.configuration }));
  }

  static async open(apache: DavServer, options: FtsWorldOptions = {}): Promise<FtsWorld> {
    const collections = STORES.map(() => apache.makeRoot());
    const stores = collections.map((name) => ({
      url: `http://localhost:${apache.port}/${name}/`,
      storage: openFileStorage({ name, basePath: join(apache.data, name) }),
    }));
    const fake = await FakeFts.open({ stores, token: TOKEN });
    return new FtsWorld(fake, apache, options, collections);
  }

  directory(store: (typeof STORES)[number]): string {
    return this.#directories[store] ?? '';
  }

  get configuration(): string {
    return join(this.root, 'pando.yaml');
  }

  get #catalog(): string {
    return `sqlite:${join(this.root, 'catalog.sqlite')}`;
  }

  /** Written through the profile of a store, whose scope it then is. */
  /** Makes files at `near` known, and reads none. */
  async look(names: readonly string[]): Promise<void> {
    const profile = this.pando.profile('near');
    if (profile === undefined) throw new Error('there is no profile near');
    const [objects, scope] = [await this.pando.objects(), await this.pando.openScope(profile)];
    for (const name of names) await objects.inspect({ scope, name });
  }

  async put(name: string, body: string, store: (typeof STORES)[number] = 'near'): Promise<void> {
    const profile = this.pando.profile(store);
    if (profile === undefined) throw new Error(`there is no ${store}`);
    const objects = await this.pando.objects();
    await objects.write({ scope: await this.pando.openScope(profile), name, body: Buffer.from(body) });
  }

  async rules(): Promise<Rules> {
    const { configuration, clock } = this.pando;
    const actor = { account: 'jdoe', isAdministrator: true };
    const catalog = await this.pando.catalog();
    return new Rules({ catalog, configuration, actor, scope: undefined, nowMs: () => clock.nowMs() });
  }

  /** That everything written to the near store is at the far one. */
  async rule(terms: Partial<RuleTerms> = {}): Promise<number> {
    return (await (await this.rules()).add(['near:*'], { copies: 1, stores: 'far', ...terms })).id;
  }

  async stateOf(rule: number): Promise<string | undefined> {
    return (await (await this.pando.catalog()).readRule(rule))?.state;
  }

  /** What `pando worker --until-idle` does about rules. */
  async work(): Promise<void> {
    await this.pando.keepRules({ owner: 'test', until: 'idle', exceptScopes: STORES });
  }

  /** What waits for the far store is tried now. */
  async hasten(): Promise<void> {
    const store = [...this.pando.stores().values()].find(({ name }) => name === 'far')?.place;
    if (store !== undefined) await (await this.pando.catalog()).hasten({ fact: 'asked', store });
  }

  worker(...args: readonly string[]): WorkerProcess {
    const nothing = { root: this.root, source: '', targets: [] };
    return new WorkerProcess(nothing, this.#catalog, { places: [], more: this.#yaml, args });
  }

  query(text: string): readonly Record<string, unknown>[] {
    using database = new DatabaseSync(join(this.root, 'catalog.sqlite'), { timeout: 10_000 });
    return database.prepare(text).all();
  }

  /** sha256 of the files at a store, by name, without Pando's own. */
  filesAt(store: (typeof STORES)[number]): Readonly<Record<string, string>> {
    const root = this.directory(store);
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && !entry.parentPath.includes('/.pando') && !entry.parentPath.includes('/.DAV'),
    );
    return Object.fromEntries(
      files.map(({ parentPath, name }) => [name, sha256Of(readFileSync(join(parentPath, name)))]),
    );
  }

  /** Attempts that tools may still carry out. */
  handedOver(): readonly string[] {
    return this.query('select external_id from request where external_id is not null order by id').map(
      ({ external_id: attempt }) => String(attempt),
    );
  }

  /** The server's ids of these. */
  jobs(): readonly string[] {
    return this.handedOver().map((attempt) => ftsJobId('pando', attempt));
  }

  async untilAccepted(count: number): Promise<void> {
    await until(() => this.fake.counts.accepted === count);
  }

  async cancelAtServer(job: string): Promise<void> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    await fetch(`${this.fake.endpoint}/jobs/${job}`, { method: 'DELETE', headers });
  }

  /** As a machine whose configuration names no tool. */
  without(): Pando {
    const file = join(this.root, 'without.yaml');
    const profiles = this.#yaml.slice(0, this.#yaml.indexOf('transfer_tools:'));
    writeFileSync(file, `catalog: ${this.#catalog}\nprofiles:\n${profiles}`);
    return new Pando(loadConfiguration({ config: file }));
  }

  copiesAt(store: (typeof STORES)[number]): number {
    const [row] = this.query(
      `select count(*) as n from replica p join store s on s.id = p.store where s.title = '${store}'`,
    );
    return Number(row?.['n']);
  }

  /** Requests a process has claimed. */
  inHandOf(pid: number): number {
    const [row] = this.query(
      `select count(*) as n from request where state = 'SUBMITTED' and owner like '%, process ${pid}'`,
    );
    return Number(row?.['n']);
  }

  expectThere(...bodies: readonly string[]): void {
    expect(Object.values(this.filesAt('far')).toSorted()).toEqual(bodies.map((body) => sha256Of(body)).toSorted());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    await this.fake[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await is())) await sleep(20);
}

function sha256Of(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
