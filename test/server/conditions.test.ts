import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nextOperationId } from '../../src/domain/object/operation-id.ts';
import { ServerProcess } from './server-process.ts';

const tagOf = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`;
const DAY_MS = 24 * 3_600_000;

describe('conditions', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });
  const statusOf = async (answer: Promise<Response>): Promise<number> => {
    const response = await answer;
    await response.arrayBuffer();
    return response.status;
  };
  const read = (path: string, headers: Record<string, string>) => statusOf(server.fetch(path, { headers }));
  const remove = (path: string, headers: Record<string, string>) =>
    statusOf(server.fetch(path, { method: 'DELETE', headers }));
  const put = (path: string, body: string, headers: Record<string, string>) =>
    statusOf(server.put(path, body, headers));

  it('of a reading say whether the client has it', async () => {
    await server.put('/c/read', 'one');
    expect(await read('/c/read', { 'if-none-match': tagOf('one') })).toBe(304);
    expect(await read('/c/read', { 'if-none-match': `W/${tagOf('one')}, "x"` })).toBe(304);
    expect(await read('/c/read', { 'if-none-match': '*' })).toBe(304);
    expect(await read('/c/read', { 'if-none-match': tagOf('two') })).toBe(200);
    expect(await read('/c/read', { 'if-match': tagOf('one') })).toBe(200);
    expect(await read('/c/read', { 'if-match': tagOf('two') })).toBe(412);
    expect(await read('/c/absent', { 'if-match': '*' })).toBe(412);
    expect(await read('/c/absent', { 'if-none-match': '*' })).toBe(404);
    const [past, future] = [-DAY_MS, DAY_MS].map((ms) => new Date(Date.now() + ms).toUTCString()) as [string, string];
    expect(await read('/c/read', { 'if-modified-since': future })).toBe(304);
    expect(await read('/c/read', { 'if-modified-since': past })).toBe(200);
    expect(await read('/c/read', { 'if-unmodified-since': past })).toBe(412);
    expect(await read('/c/read', { 'if-unmodified-since': future })).toBe(200);
    expect(await read('/c/read', { 'if-match': 'a b' })).toBe(400);
    const fresh = await server.fetch('/c/read', { headers: { 'if-none-match': tagOf('one') } });
    expect([await fresh.text(), fresh.headers.get('etag')]).toEqual(['', tagOf('one')]);
  });

  it('of a write are about the object as it is', async () => {
    expect(await put('/c/w', 'one', { 'if-match': '*' })).toBe(412);
    expect(await put('/c/w', 'one', { 'if-none-match': '*' })).toBe(200);
    expect(await put('/c/w', 'two', { 'if-none-match': '*' })).toBe(412);
    expect(await put('/c/w', 'two', { 'if-none-match': tagOf('one') })).toBe(412);
    expect(await put('/c/w', 'two', { 'if-match': tagOf('other') })).toBe(412);
    expect(await server.text('/c/w')).toBe('one');
    expect(await put('/c/w', 'two', { 'if-match': tagOf('one') })).toBe(200);
    expect(await put('/c/w', 'three', { 'if-match': '*' })).toBe(200);
    expect(await remove('/c/w', { 'if-match': tagOf('two') })).toBe(412);
    expect(await remove('/c/w', { 'if-match': tagOf('three') })).toBe(204);
    expect(await remove('/c/w', { 'if-match': '*' })).toBe(412);
    expect(await put('/c/w', 'four', { 'if-unmodified-since': new Date().toUTCString() })).toBe(501);
  });

  it('let exactly one of many writers make an object, and each step from one state be one write', async () => {
    const writers = Array.from({ length: 24 }, (_, at) => `writer ${at}`);
    const made = await Promise.all(writers.map((text) => put('/c/race', text, { 'if-none-match': '*' })));
    expect(made.filter((status) => status === 200)).toHaveLength(1);
    expect(made.filter((status) => status === 412)).toHaveLength(23);
    const winner = writers[made.indexOf(200)] as string;
    expect(await server.text('/c/race')).toBe(winner);
    const stepped = await Promise.all(writers.map((text) => put('/c/race', `${text}!`, { 'if-match': tagOf(winner) })));
    expect(stepped.filter((status) => status === 200)).toHaveLength(1);
    expect(await server.text('/c/race')).toBe(`${writers[stepped.indexOf(200)]}!`);
  });

  it('with an operation’s id make a repeat the same write', async () => {
    const id = () => nextOperationId(undefined, Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const key = { 'idempotency-key': id() };
    const first = await server.put('/c/once', 'once', { ...key, 'if-none-match': '*' });
    const again = await server.put('/c/once', 'once', { ...key, 'if-none-match': '*' });
    expect([first.status, again.status]).toEqual([200, 200]);
    expect([first.headers.has('x-pando-repeated'), again.headers.get('x-pando-repeated')]).toEqual([false, 'true']);
    for (const name of ['x-pando-version', 'etag']) expect(again.headers.get(name)).toBe(first.headers.get(name));
    expect(await put('/c/once', 'else', key)).toBe(422);
    expect(await put('/c/elsewhere', 'once', key)).toBe(422);
    await put('/c/once', 'later', {});
    expect(await put('/c/once', 'once', key)).toBe(200);
    expect(await server.text('/c/once')).toBe('later');
    expect(await put('/c/once', 'x', { 'idempotency-key': 'mine' })).toBe(400);
    const old = nextOperationId(undefined, Date.now() - 8 * DAY_MS, crypto.getRandomValues(new Uint8Array(10)));
    const expired = await server.put('/c/once', 'x', { 'idempotency-key': old });
    expect([expired.status, ((await expired.json()) as { code: string }).code]).toEqual([410, 'operation-expired']);
    const known = await server.fetch(`/admin/operations/${key['idempotency-key']}`);
    expect(await known.json()).toMatchObject({ id: key['idempotency-key'], state: 'done', outcome: { size: 4 } });
    expect(await read(`/admin/operations/${id()}`, {})).toBe(404);
    const same = id();
    const both = await Promise.all([1, 2, 3, 4].map(() => put('/c/twins', 'twins', { 'idempotency-key': same })));
    expect(both).toEqual([200, 200, 200, 200]);
    expect(await server.text('/c/twins')).toBe('twins');
  });

  it('with an operation’s id make a delete happen once, whatever was written since', async () => {
    const id = () => nextOperationId(undefined, Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const removed = async (path: string, key: string, headers: Record<string, string> = {}) => {
      const response = await server.fetch(path, { method: 'DELETE', headers: { 'idempotency-key': key, ...headers } });
      await response.arrayBuffer();
      return [response.status, response.headers.get('x-pando-version'), response.headers.get('x-pando-repeated')];
    };
    const key = id();
    await server.put('/c/del', 'one');
    expect(await removed('/c/del', key, { 'if-match': tagOf('one') })).toEqual([204, key, null]);
    expect(await removed('/c/del', key, { 'if-match': tagOf('one') })).toEqual([204, key, 'true']);
    await server.put('/c/del', 'two');
    expect(await removed('/c/del', key)).toEqual([204, key, 'true']);
    expect(await server.text('/c/del')).toBe('two');
    expect((await removed('/c/elsewhere', key))[0]).toBe(422);
    expect(await put('/c/del', 'two', { 'idempotency-key': key })).toBe(422);
    const written = id();
    await server.put('/c/del', 'three', { 'idempotency-key': written });
    expect((await removed('/c/del', written))[0]).toBe(422);
    expect(await server.text('/c/del')).toBe('three');
    const nothing = id();
    expect(await removed('/c/was-not', nothing)).toEqual([204, null, null]);
    await server.put('/c/was-not', 'is now');
    expect(await removed('/c/was-not', nothing)).toEqual([204, null, 'true']);
    expect(await server.text('/c/was-not')).toBe('is now');
    expect((await removed('/c/del', 'mine'))[0]).toBe(400);
    const old = nextOperationId(undefined, Date.now() - 8 * DAY_MS, crypto.getRandomValues(new Uint8Array(10)));
    expect((await removed('/c/del', old))[0]).toBe(410);
    // A condition that does not hold is no answer to be remembered.
    const late = id();
    expect((await removed('/c/del', late, { 'if-match': tagOf('other') }))[0]).toBe(412);
    expect(await removed('/c/del', late, { 'if-match': tagOf('three') })).toEqual([204, late, null]);
    const same = id();
    await server.put('/c/twins-gone', 'twins');
    const both = await Promise.all([1, 2, 3, 4].map(() => removed('/c/twins-gone', same)));
    expect(both.map(([status, version]) => [status, version])).toEqual(both.map(() => [204, same]));
    expect(await (await server.fetch(`/admin/operations/${same}`)).json()).toMatchObject({ state: 'done' });
  });

  it('of the body hold: a digest that is not its own makes no object', async () => {
    const digest = createHash('md5').update('right').digest('base64');
    expect(await put('/c/digest', 'right', { 'content-md5': digest })).toBe(200);
    expect(await put('/c/digest', 'wrong', { 'content-md5': digest })).toBe(400);
    expect(await server.text('/c/digest')).toBe('right');
  });
});
