import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { ForeignSite } from './foreign-site.ts';
import { ServerProcess, startServer } from './server-process.ts';

interface Described {
  readonly path: string;
  readonly method: string;
  readonly right: string | undefined;
}

const accepting = (token: string): string =>
  `replication: {enabled: true, accept: [{id: one, token: ${token}}, {id: two, token: token-of-two}]}\n`;

/** Tokens are looked up again after a second at most. */
const SOON = { timeout: 10_000, interval: 50 };

describe('a server with tokens', { timeout: 240_000 }, () => {
  let server: ServerProcess;
  let box: Sandbox;
  const tokens: Record<string, string> = {};
  const routes: Described[] = [];
  const create = async (name: string, rights: string, ...more: string[]): Promise<string> => {
    const words = ['token', 'create', name, '--rights', rights, ...more, '--json', '--data', join(server.root, 'data')];
    return (await box.json<{ readonly token: string }>(...words)).token;
  };
  const revoke = (name: string) => box.run(['token', 'revoke', name, '--data', join(server.root, 'data')]);
  beforeAll(async () => {
    server = await ServerProcess.start({ config: accepting('token-of-one') });
    box = new Sandbox();
    for (const right of ['read', 'write', 'admin', 'peer']) tokens[right] = await create(right, right);
    for (const right of ['read', 'write', 'admin'])
      tokens[`${right} of t`] = await create(`${right}-of-t`, right, '--scope', 't');
    tokens['revoked'] = await create('revoked', 'read,write,admin,peer');
    const { paths } = (await (await server.fetch('/openapi.json')).json()) as {
      paths: Record<string, Record<string, { 'x-pando-right'?: string }>>;
    };
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, told] of Object.entries(methods))
        routes.push({ path, method: method.toUpperCase(), right: told['x-pando-right'] });
    }
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    box[Symbol.dispose]();
  });

  async function ask(method: string, path: string, token: string | undefined): Promise<Response> {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await server.fetch(path, { method, headers, ...(method === 'PUT' ? { body: 'x' } : {}) });
    await response.arrayBuffer();
    return response;
  }

  it('refuses on each route who has none, a wrong, an old or another one', async () => {
    await expect.poll(async () => (await ask('GET', '/s/a', tokens['revoked'])).status, SOON).toBe(404);
    await revoke('revoked');
    await expect.poll(async () => (await ask('GET', '/s/a', tokens['revoked'])).status, SOON).toBe(401);
    expect(routes.length).toBeGreaterThan(25);
    for (const { path, method, right } of routes) {
      const at = path.replace('{scope}', 's').replace('{name}', 'n').replace('{id}', '1');
      const status = async (token: string | undefined): Promise<number> => (await ask(method, at, token)).status;
      const what = `${method} ${path}`;
      if (right === undefined) {
        expect([401, 403], what).not.toContain(await status(undefined));
        continue;
      }
      for (const wrong of [undefined, 'wrong', `${tokens[right]}x`, tokens['revoked'], 'token-of-one'])
        expect([what, await status(wrong)]).toEqual([what, 401]);
      for (const other of ['read', 'write', 'admin', 'peer'].filter((one) => one !== right))
        expect([what, other, await status(tokens[other])]).toEqual([what, other, 403]);
      expect([what, await status(tokens[`${right} of t`])]).toEqual([what, 403]);
      expect([401, 403], what).not.toContain(await status(tokens[right]));
    }
    // Nothing of it was done by those who were refused.
    for (const scope of ['s', 't']) expect((await ask('GET', `/${scope}/n`, tokens['read'])).status).toBe(404);
    expect((await ask('PUT', '/t/n', tokens['write of t'])).status).toBe(200);
    expect((await ask('GET', '/t/n', tokens['read of t'])).status).toBe(200);
  });

  it('lets a peer speak by its own token, as itself, and by none but the one of now', async () => {
    const [one, two] = [new ForeignSite(server, 'token-of-one'), new ForeignSite(server, 'token-of-two')];
    const statuses = async (site: ForeignSite, token: string | null): Promise<number[]> => {
      const asked = ['told', 'floor', 'digests', 'listing', 'nothing'].map((path) => site.ask(path, {}, token));
      const batch = site.ask('batch', site.batchOf([{ scope: 's', name: 'x', text: 'x', counter: 1 }]), token);
      const version = server.fetch('/_peer/v1/versions/0?scope=s&name=x', {
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
      });
      return (await Promise.all([...asked, batch, version])).map(({ status }) => status);
    };
    const shut = [401, 401, 401, 401, 401, 401, 401];
    for (const wrong of [null, 'wrong', tokens['read'] ?? '', tokens['revoked'] ?? '', 'token-of-one']) {
      if (wrong !== 'token-of-one') expect((await one.hello(wrong)).status).toBe(401);
      expect(await statuses(one, wrong)).toEqual(shut);
    }
    expect([(await one.hello()).status, (await two.hello()).status]).toEqual([200, 200]);
    expect((await one.ask('digests', {})).status).toBe(200);
    expect(await one.send([{ scope: 's', name: 'of-one', text: 'one', counter: 1 }])).toEqual(['applied']);
    // By a token of its own nobody speaks for somebody else, and a ticket is for fetching.
    const ofTwo = two.batchOf([{ scope: 's', name: 'forged', text: 'forged', counter: 1 }]);
    expect((await one.ask('batch', ofTwo)).status).toBe(403);
    expect((await two.hello('token-of-one')).status).toBe(401);
    for (const path of ['batch', 'digests', 'floor', 'listing'])
      expect((await one.ask(path, ofTwo, one.ticket)).status).toBe(403);
    expect((await one.ask('told', { from: one.id, operations: [] }, one.ticket)).status).toBe(200);
    expect((await one.ask('told', { from: two.id, operations: [] }, one.ticket)).status).toBe(403);
    // One that was made by a command ends when it is revoked.
    const three = new ForeignSite(server, tokens['peer']);
    expect([(await three.hello()).status, (await three.ask('digests', {})).status]).toEqual([200, 200]);
    await revoke('peer');
    await expect.poll(async () => (await three.ask('digests', {})).status, SOON).toBe(401);
    expect((await three.hello()).status).toBe(401);
    // And one of the configuration when another one is named there.
    await server.end('SIGTERM');
    await using again = await ServerProcess.start({ root: server.root, config: accepting('newer-of-one') });
    const back = new ForeignSite(again, 'token-of-one');
    Object.assign(back, { id: one.id });
    expect([(await back.ask('digests', {})).status, (await back.hello()).status]).toEqual([401, 401]);
    expect((await back.hello('newer-of-one')).status).toBe(200);
    expect((await back.ask('digests', {}, 'newer-of-one')).status).toBe(200);
    expect((await back.ask('digests', {}, 'token-of-one')).status).toBe(401);
    const reader = { authorization: `Bearer ${tokens['read']}` };
    expect(await (await again.fetch('/s/of-one', { headers: reader })).text()).toBe('one');
    expect((await again.fetch('/s/forged', { headers: reader })).status).toBe(404);
  });
});

describe('a server of this machine without tokens', { timeout: 120_000 }, () => {
  it('believes the first that comes as a site, nobody else as that, and nobody new once there are tokens', async () => {
    const server = await startServer();
    const [first, later, nameless] = [
      new ForeignSite(server, 'first'),
      new ForeignSite(server),
      new ForeignSite(server),
    ];
    expect((await first.hello()).status).toBe(200);
    expect(await first.send([{ scope: 's', name: 'x', text: 'x', counter: 1 }])).toEqual(['applied']);
    const forged = first.batchOf([{ scope: 's', name: 'forged', text: 'forged', counter: 2 }]);
    for (const token of [undefined, 'other']) {
      expect((await later.ask('batch', forged, token)).status).toBe(401);
      expect((await later.ask('told', { from: first.id, operations: [] }, token)).status).toBe(401);
    }
    expect((await first.hello('other')).status).toBe(401);
    expect((await nameless.hello()).status).toBe(200);
    expect(await nameless.send([{ scope: 's', name: 'y', text: 'y', counter: 1 }])).toEqual(['applied']);
    using box = new Sandbox();
    await box.run(['token', 'create', 'ci', '--rights', 'read', '--data', join(server.root, 'data')]);
    await expect.poll(async () => (await server.fetch('/s/x')).status, SOON).toBe(401);
    expect((await later.hello()).status).toBe(401);
    await expect.poll(async () => (await nameless.ask('digests', {})).status, SOON).toBe(401);
    expect((await first.ask('digests', {})).status).toBe(200);
  });

  it('undoes no delete by what comes late, and tells in no header what a peer has put there', async () => {
    const server = await startServer();
    const site = new ForeignSite(server, 'first');
    await site.hello();
    const put = { scope: 's', name: 'x', text: 'x', counter: 1 };
    expect(await site.send([put, { scope: 's', name: 'x', counter: 2, seen: 1 }])).toEqual(['applied', 'applied']);
    expect(await site.send([put])).toEqual(['duplicate']);
    // The delete came first.
    expect(await site.send([{ scope: 's', name: 'y', counter: 4, seen: 3 }])).toEqual(['applied']);
    const [late] = await site.send([{ scope: 's', name: 'y', text: 'late', counter: 3 }]);
    expect(['older', 'duplicate']).toContain(late);
    for (const name of ['x', 'y']) expect(await server.text(`/s/${name}`)).toBeUndefined();
    const contentType = 'text/plain\r\nX-Evil: 1';
    await site.send([{ scope: 's', name: 'typed', text: 'typed', counter: 5, contentType }]);
    const typed = await server.fetch('/s/typed');
    expect([typed.status, typed.headers.get('x-evil'), await typed.text()]).toEqual([200, null, 'typed']);
  });
});
