import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ReadingProxy } from '../servers/reading-proxy.ts';
import { ServerProcess } from './server-process.ts';

export type Way = readonly [from: string, to: string];

interface Status {
  readonly events_queued: number;
  readonly dead_letters: number;
  readonly peers: readonly PeerTold[];
}

export interface PeerTold {
  readonly name: string;
  readonly site: string | null;
  readonly direction: string;
  readonly state: string;
  readonly lag_entries: number;
  readonly needs_resync: boolean;
}

export interface Listed {
  readonly name: string;
  readonly etag: string;
}

/** Real sites with a proxy on each way between them: a site keeps its address wherever it is started again. */
export class SiteNetwork implements AsyncDisposable {
  readonly names: readonly string[];
  readonly #ways: readonly Way[];
  readonly #more: string;
  readonly #proxies = new Map<string, ReadingProxy>();
  readonly #servers = new Map<string, ServerProcess>();
  /** Of sites that were started, by name: they go with the first server of each. */
  readonly #first = new Map<string, ServerProcess>();

  private constructor(names: readonly string[], ways: readonly Way[], more: string) {
    this.names = names;
    this.#ways = ways;
    this.#more = more;
  }

  /** `more`: further lines of `replication`, each with two spaces before it. */
  static async start(names: readonly string[], ways: readonly Way[], more = ''): Promise<SiteNetwork> {
    const network = new SiteNetwork(names, ways, more);
    for (const [from, to] of ways) network.#proxies.set(`${from} ${to}`, await ReadingProxy.start());
    await Promise.all(names.map((name) => network.begin(name)));
    return network;
  }

  at(name: string): ServerProcess {
    return this.#servers.get(name) as ServerProcess;
  }

  get all(): readonly ServerProcess[] {
    return this.names.map((name) => this.at(name));
  }

  way(from: string, to: string): ReadingProxy {
    return this.#proxies.get(`${from} ${to}`) as ReadingProxy;
  }

  get ways(): readonly { readonly from: string; readonly to: string; readonly proxy: ReadingProxy }[] {
    return this.#ways.map(([from, to]) => ({ from, to, proxy: this.way(from, to) }));
  }

  /** Starts a site, where it was before if it was. */
  async begin(name: string): Promise<ServerProcess> {
    const told = this.ways.filter(({ from }) => from === name);
    const peers = told.map(({ to, proxy }) => {
      const back = this.#ways.some(([from, other]) => from === to && other === name);
      return `{id: ${to}, url: "${proxy.url}", token: of-${name}, direction: ${back ? 'both' : 'send'}}`;
    });
    const config = `replication:\n  enabled: true\n  retry_delay: 100ms\n${this.#more}  peers: [${peers.join(', ')}]\n`;
    const root = this.#first.get(name)?.root;
    const server = await ServerProcess.start({ config, ...(root === undefined ? {} : { root }) });
    if (root === undefined) this.#first.set(name, server);
    this.#servers.set(name, server);
    for (const { to, proxy } of this.ways) if (to === name) proxy.leadTo(server);
    return server;
  }

  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    await this.at(name).end(signal);
  }

  /** Catalog and bytes of a site that has ended are gone. */
  wipe(name: string): void {
    rmSync(this.dataOf(name), { recursive: true });
  }

  dataOf(name: string): string {
    return join(this.at(name).root, 'data');
  }

  async statusOf(name: string): Promise<Status> {
    return (await (await this.at(name).fetch('/admin/replication/status')).json()) as Status;
  }

  /**
   * Until nothing is on its way: each entry is in a queue until it was answered, and what it causes is in a queue before. So when two rounds
   * of looking find nothing, and nothing was queued from the one to the other, there was nothing at the end of the first.
   */
  async settle(): Promise<void> {
    let before = '';
    const look = async (): Promise<boolean> => {
      const seen = await Promise.all(this.names.map((name) => this.statusOf(name)));
      const told = seen.flatMap(({ peers }) => peers.filter(({ direction }) => direction !== 'receive'));
      const isIdle = told.every((peer) => peer.lag_entries === 0 && !peer.needs_resync && peer.site !== null);
      const queued = JSON.stringify(seen.map(({ events_queued }) => events_queued));
      const isSettled = isIdle && queued === before;
      before = isIdle ? queued : '';
      return isSettled;
    };
    await expect.poll(look, { timeout: 1_800_000, interval: 20 }).toBe(true);
  }

  /** All objects of a scope, by site: each the same, or the test fails. */
  async agreed(scope: string): Promise<readonly Listed[]> {
    const listings = await Promise.all(this.all.map((server) => listAll(server, scope)));
    const [first = [], ...others] = listings;
    const texts = new Set(first.map(({ name, etag }) => `${name} ${etag}`));
    for (const other of others) {
      const more = other.filter(({ name, etag }) => !texts.has(`${name} ${etag}`)).map(({ name }) => name);
      // Some are enough to see what is wrong.
      expect([other.length, more.slice(0, 20)]).toEqual([first.length, []]);
    }
    return first;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) await server[Symbol.asyncDispose]();
    for (const server of this.#first.values()) await server[Symbol.asyncDispose]();
    for (const proxy of this.#proxies.values()) await proxy[Symbol.asyncDispose]();
  }
}

export async function listAll(server: ServerProcess, scope: string): Promise<readonly Listed[]> {
  const all: Listed[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const response: Response = await server.fetch(`/${scope}?start-after=${encodeURIComponent(after)}`);
    const page = (await response.json()) as { objects: Listed[]; nextStartAfter?: string };
    all.push(...page.objects.map(({ name, etag }) => ({ name, etag })));
    after = page.nextStartAfter;
  }
  return all;
}

/** Writes, some at once, and demands that each was taken. */
export async function putAll(
  server: ServerProcess,
  scope: string,
  bodies: Iterable<readonly [name: string, text: string]>,
): Promise<void> {
  const left = [...bodies];
  const writer = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [name, text] = next;
      expect((await server.put(`/${scope}/${name}`, text)).status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: 16 }, writer));
}
