import { createHook } from 'node:async_hooks';
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { download } from '../../src/client/download.ts';
import { resolve } from '../../src/client/explain.ts';
import { upload } from '../../src/client/upload.ts';
import type { UploadStep } from '../../src/engine/uploads/upload-types.ts';
import { startApache } from '../servers/apache.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { startSshd } from '../servers/sshd.ts';
import { RuleWorld } from './rule-world.ts';

const [sshd, apache] = await Promise.all([startSshd(), startApache()]);
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  await apache[Symbol.asyncDispose]();
});

/** A place on a server: what a profile says to reach it, and the directory it is there. */
const REMOTE = {
  sftp: () => {
    const directory = sshd.makeRoot();
    const { port, user, keyFile, knownHosts } = sshd;
    const login = `user: ${user}, key_file: ${keyFile}, known_hosts: ${knownHosts}`;
    return {
      directory,
      provider: `{type: sftp, options: {host: 127.0.0.1, port: ${port}, ${login}, base_path: ${directory}}}`,
    };
  },
  webdav: (server = apache.url) => {
    const name = apache.makeRoot();
    const options = `url: '${server}${name}', user: ${apache.user}, password: ${apache.password}, flushes: true`;
    return { directory: join(apache.data, name), provider: `{type: webdav, options: {${options}}}` };
  },
} as const;

/** Names of the files below, without Pando's own and the server's. */
function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/\.(pando|DAV)/.test(entry.parentPath))
    .map(({ name }) => name)
    .toSorted();
}

/** Until its copies are there: what failed is tried again soon. */
async function workUntilOk(world: RuleWorld, rule: number): Promise<void> {
  const catalog = await world.pando.catalog();
  for (let turn = 0; turn < 20; turn++) {
    await world.work();
    if ((await catalog.readRule(rule))?.state === 'OK') return;
    await catalog.hasten({ fact: 'asked', rule });
  }
  throw new Error(JSON.stringify(await world.explain(String(rule))));
}

/** How attempts to bring copies to a store ended. */
async function resultsAt({ pando }: RuleWorld, store: string) {
  const use = (await (await pando.catalog()).readStoreUse()).find(({ title }) => title === store);
  const recent = use?.recent ?? [];
  return {
    succeeded: recent.reduce((sum, one) => sum + one.succeeded, 0),
    failed: recent.reduce((sum, one) => sum + one.failed, 0),
  };
}

async function uploadTo(world: RuleWorld, store: string, name: string, scope: string): Promise<readonly UploadStep[]> {
  writeFileSync(join(world.root, name), `bytes of ${name}`);
  const steps: UploadStep[] = [];
  await upload({ pando: world.pando, account: 'jdoe', scope }, [join(world.root, name)], {
    store,
    onStep: (step) => void steps.push(step),
  });
  return steps;
}

/** By which protocols an upload went, whether they failed or not. */
function waysOf(steps: readonly UploadStep[]): readonly string[] {
  return steps.flatMap((step) =>
    step.kind === 'sending' || step.kind === 'protocol-failed' ? [`${step.kind} ${step.protocol}`] : [],
  );
}

describe.each(['sftp', 'webdav'] as const)('a directory that is not on this host, and %s to the same bytes', (kind) => {
  test('a copy of a rule, an upload and a download go by the second protocol', { timeout: 60_000 }, async () => {
    const { directory, provider } = REMOTE[kind]();
    // A directory that is not there is asked for again, as a mount may come back; here it will not.
    const far = `retry: {attempts: 1}\nprotocols: [{name: second, storage_provider: ${provider}}]`;
    await using world = new RuleWorld({ data: '', near: '', far });
    rmSync(join(world.root, 'far'), { recursive: true });
    await world.put('data', 'x', 'bytes of x');

    await workUntilOk(world, await world.rule('data:x', { copies: 1, stores: 'near' }));
    await workUntilOk(world, await world.rule('data:x', { copies: 1, stores: 'far' }));
    expect(filesIn(directory)).toEqual(['x']);
    // Of two sources: a destination that fails is not asked again by the same protocol from the other one.
    expect(await resultsAt(world, 'far')).toEqual({ succeeded: 1, failed: 1 });

    const steps = await uploadTo(world, 'far', 'y', 'lab');
    expect(waysOf(steps)).toEqual(['sending file', 'protocol-failed file', 'sending second']);
    expect(filesIn(directory)).toEqual(['x', 'y']);
    // Nothing makes a directory that may be the place where a disk is missing.
    expect(existsSync(join(world.root, 'far'))).toBe(false);

    for (const source of ['data', 'near']) rmSync(join(world.root, source), { recursive: true });
    const to = join(world.root, 'downloaded');
    const got = await download({ pando: world.pando, scope: undefined }, ['data:x', 'lab:y'], { to });
    expect(got).toMatchObject([
      { state: 'downloaded', servedBy: 'far by second' },
      { state: 'downloaded', servedBy: 'far by second' },
    ]);
    expect(filesIn(to)).toEqual(['x', 'y']);
  });
});

/** A store that is reached as a directory and by WebDAV, through a proxy that counts what goes that way. */
class CountedWorld implements AsyncDisposable {
  readonly #stores: Readonly<Record<string, string>>;
  readonly #proxy: CountingProxy;
  readonly #world: RuleWorld;

  private constructor(stores: Readonly<Record<string, string>>, proxy: CountingProxy) {
    this.#stores = stores;
    this.#proxy = proxy;
    this.#world = new RuleWorld(stores);
  }

  /** What the protocols are for: `own` of the directory, `web` of WebDAV. */
  static async open({ own, web }: { readonly own: string; readonly web: string }): Promise<CountedWorld> {
    const proxy = await startCountingProxy(apache);
    const { directory, provider } = REMOTE.webdav(`${proxy.endpoint}/`);
    // Both show the same bytes; the server works as another user, whom directories of this one would stop.
    const far = `site: LYON\npaths: {algorithm: plain}\ndomains: ${own}\nprotocols: [{name: web, storage_provider: ${provider}, domains: ${web}}]`;
    const world = new CountedWorld({ data: '', far }, proxy);
    rmSync(join(world.#world.root, 'far'), { recursive: true });
    symlinkSync(directory, join(world.#world.root, 'far'));
    return world;
  }

  /** From now on this machine stands there. */
  async moveTo(site: string): Promise<void> {
    await this.#world.reopen(this.#stores, `site: ${site}\n`);
  }

  /** A rule brings new objects to the store: how many of them went over WebDAV. */
  async countWritten(names: readonly string[]): Promise<number> {
    for (const name of names) await this.#world.put('data', name, `bytes of ${name}`);
    for (const name of names) await this.#world.rule(`data:${name}`, { copies: 1, stores: 'far' });
    await this.#world.work();
    expect(filesIn(join(this.#world.root, 'far'))).toEqual(expect.arrayContaining([...names]));
    const put = this.#proxy.seen.splice(0).flatMap(({ method, url }) => (method === 'PUT' ? [basename(url)] : []));
    return names.filter((name) => put.includes(name)).length;
  }

  async upload(name: string): Promise<readonly string[]> {
    return waysOf(await uploadTo(this.#world, 'far', name, 'lab'));
  }

  /** By which protocols an object can be had at the store, best first. */
  async waysToRead(name: string): Promise<readonly string[]> {
    const { replicas } = await resolve(this.#world.pando, `data:${name}`, undefined);
    return replicas.filter(({ store }) => store === 'far').flatMap(({ urls }) => urls.map(({ protocol }) => protocol));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]();
    await this.#proxy[Symbol.asyncDispose]();
  }
}

const EVERYTHING = '{read: 0, write: 0, delete: 0}';
const NOTHING = '{read: null, write: null, delete: null}';

test('machines of the store’s own site go by its protocol for those, others by the one for them', {
  timeout: 60_000,
}, async () => {
  await using world = await CountedWorld.open({
    own: `{lan: ${EVERYTHING}, wan: ${NOTHING}}`,
    web: `{lan: {read: 1}, wan: ${EVERYTHING}}`,
  });
  expect(await world.countWritten(['of-nowhere'])).toBe(1);
  await world.moveTo('LYON');
  expect(await world.countWritten(['of-lyon'])).toBe(0);
  expect(await world.upload('up-lyon')).toEqual(['sending file']);
  expect(await world.waysToRead('of-lyon')).toEqual(['file', 'web']);
  await world.moveTo('CERN');
  expect(await world.countWritten(['of-cern'])).toBe(1);
  expect(await world.upload('up-cern')).toEqual(['sending web']);
  expect(await world.waysToRead('of-lyon')).toEqual(['web']);
});

test('protocols of one priority take turns', { timeout: 60_000 }, async () => {
  const both = `{lan: ${EVERYTHING}, wan: ${EVERYTHING}}`;
  await using world = await CountedWorld.open({ own: both, web: both });
  const names = Array.from({ length: 20 }, (_, at) => `object-${at}`);
  const written = await world.countWritten(names);
  // Dice decide: one time in half a million all go one way.
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(names.length);
});

test('the URL of a copy is its protocol’s place and its path, and telling it asks no server', async () => {
  const said = (place: string) => `site: CERN
domains: {wan: ${NOTHING}}
protocols: [{storage_provider: {type: webdav, options: {url: '${place}'}}, domains: {lan: ${NOTHING}, wan: {read: 0}}}]`;
  for (const place of [
    'https://storageserver.organization.org/VO/data',
    'https://storageserver.organization.org//VO/data/',
  ]) {
    const storage = said(place);
    await using world = new RuleWorld({ storage }, 'site: CERN\n');
    expect(waysOf(await uploadTo(world, 'storage', 'test.file.1', 'user.jdoe'))).toEqual(['sending file']);
    await world.reopen({ storage });
    const asked: string[] = [];
    const watch = createHook({ init: (_id, type) => void asked.push(type) }).enable();
    const { replicas } = await resolve(world.pando, 'user.jdoe:test.file.1', undefined);
    watch.disable();
    const url = 'https://storageserver.organization.org/VO/data/07/7c/user.jdoe/test.file.1';
    expect(replicas).toMatchObject([{ store: 'storage', urls: [{ protocol: 'https', url }] }]);
    expect(asked.filter((type) => /^(TCP|GETADDRINFO|TLS)/.test(type))).toEqual([]);
  }
});
