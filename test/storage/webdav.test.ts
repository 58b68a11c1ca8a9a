import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage, StorageErrorKind } from '../../src/ports/storage.ts';
import { openWebdavStorage, type WebdavSettings } from '../../src/storage/webdav/webdav-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import {
  expectAbsent,
  expectKind,
  listAll,
  patternBytes,
  putObject,
  readBody,
} from '../../src/testing/storage-contract/harness.ts';
import { startApache } from '../servers/apache.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';

const apache = await startApache();
afterAll(() => apache[Symbol.asyncDispose]());

const TIMEOUTS = { connectMs: 500, idleMs: 500 };

describe('WebDAV on the wire', () => {
  let proxy: CountingProxy;
  let root: string;
  let storage: Storage;

  const open = (other: Partial<WebdavSettings> = {}): Storage => {
    const { user, password } = apache;
    const url = `${proxy.endpoint}/${root}/`;
    const settings = { url, login: { kind: 'basic', user, password }, flushes: false, ...other } as const;
    const [clock, random] = [systemClock, systemRandom];
    return openWebdavStorage({ name: 'web', place: url, settings, clock, random, timeouts: TIMEOUTS });
  };

  beforeEach(async () => {
    proxy = await startCountingProxy(apache);
    root = apache.makeRoot();
    storage = open();
  });
  afterEach(async () => {
    await storage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  it('asks nothing when it is opened, and for an object and its mark at once', async () => {
    expect(proxy.take()).toEqual([]);
    await putObject(storage, 'a', patternBytes(10));
    proxy.take();
    await readBody(await storage.get('a'));
    expect(proxy.take()).toEqual(['GET', 'GET']);
  });

  it('times out on a server that hangs', async () => {
    await putObject(storage, 'a', patternBytes(10));
    proxy.onRequest = () => 'hang';
    await expectKind(storage.get('a'), 'timeout');
  });

  it('times out on a body that stands still, and says unavailable of one that breaks', async () => {
    await putObject(storage, 'a', patternBytes(2_000_000));
    proxy.stallAnswersAt = 1_000_000;
    await expectKind(readBody(await storage.get('a')), 'timeout');
    proxy.stallAnswersAt = undefined;
    proxy.cutAnswersAt = 1_000_000;
    await expectKind(readBody(await storage.get('a')), 'unavailable');
  });

  it('takes a listing that ends too early for broken, not for short', async () => {
    for (const key of ['a', 'b', 'c']) await putObject(storage, key, patternBytes(10));
    proxy.onRequest = ({ method }, response) => {
      if (method !== 'PROPFIND') return 'pass';
      const xml = `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${responseOf(`/${root}/`, true)}${responseOf(`/${root}/a`)}`;
      response.writeHead(207, { 'content-type': 'text/xml' }).end(xml);
      return 'answered';
    };
    await expectKind(listAll(storage, ''), 'unavailable');
  });

  it('reads no entity, and no name of another directory', async () => {
    const answer = (xml: string): void => {
      proxy.onRequest = (_, response) => {
        response
          .writeHead(207)
          .end(`<D:multistatus xmlns:D="DAV:">${responseOf(`/${root}/`, true)}${xml}</D:multistatus>`);
        return 'answered';
      };
    };
    answer(responseOf(`/${root}/&bomb;`));
    await expectKind(listAll(storage, ''), 'corrupt');
    answer(responseOf('/elsewhere/x'));
    await expectKind(listAll(storage, ''), 'corrupt');
    answer(
      `${responseOf(`/${root}/bad-%ff`)}${responseOf(`/${root}/two%2Fparts`)}${responseOf(`http://other/${root}/ok`)}`,
    );
    const { keys, failures } = await listAll(storage, '');
    expect(keys).toEqual(['ok']);
    expect(failures.map(({ shown, protects }) => [shown, protects])).toEqual([
      ['bad-\\xff', ''],
      ['two/parts', ''],
    ]);
  });

  it('takes no answer for an object that does not say how long it is, or is of other bytes than were asked for', async () => {
    await putObject(storage, 'a', patternBytes(100));
    const answer = (status: number, headers: Record<string, string>): void => {
      proxy.onRequest = ({ method, url }, response) => {
        if (method !== 'GET' || url.includes('.pando')) return 'pass';
        response.writeHead(status, { etag: '"x"', ...headers });
        response.write('0123456789');
        response.end();
        return 'answered';
      };
    };
    answer(200, {});
    await expectKind(storage.get('a'), 'unsupported');
    answer(206, { 'content-length': '10', 'content-range': 'bytes 50-59/100' });
    await expectKind(storage.get('a', { span: { start: 0, end: 10 } }), 'unavailable');
  });

  it('tells no password, and sends a bearer token as one', async () => {
    await using wrong = open({ login: { kind: 'basic', user: 'dav', password: 'not-the-password' } });
    const error = await expectKind(wrong.head('a'), 'denied');
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('not-the-password');
    await using bearer = open({ login: { kind: 'bearer', token: 'the-token' } });
    await expectKind(bearer.head('a'), 'denied');
    expect(proxy.seen.at(-1)?.headers.authorization).toBe('Bearer the-token');
  });

  it('fails by what the server said', async () => {
    const said: readonly [number, StorageErrorKind][] = [
      [403, 'denied'],
      [423, 'throttled'],
      [429, 'throttled'],
      [500, 'unavailable'],
      [501, 'unsupported'],
      [507, 'full'],
    ];
    for (const [status, kind] of said) {
      proxy.onRequest = ({ method }, response) => {
        if (method !== 'PUT') return 'pass';
        response.writeHead(status).end('<html>');
        return 'answered';
      };
      await expectKind(putObject(storage, 'a', patternBytes(10)), kind);
    }
    await expectAbsent(storage, 'a');
  });

  it('sends again what was refused for a moment', async () => {
    let refusals = 2;
    proxy.onRequest = ({ method }, response) => {
      if (method !== 'PUT' || refusals-- <= 0) return 'pass';
      response.writeHead(503).end();
      return 'answered';
    };
    await putObject(storage, 'a', patternBytes(10));
    expect((await storage.head('a')).size).toBe(10);
  });

  it('makes a collection that many need at once', async () => {
    for (const round of ['a', 'b', 'c']) {
      const keys = Array.from({ length: 24 }, (_, i) => `${round}/deep/er/${i}`);
      await Promise.all(keys.map((key) => putObject(storage, key, patternBytes(3))));
      expect((await listAll(storage, `${round}/`)).keys.length).toBe(keys.length);
    }
  });

  it('deletes no collection, whatever is in it', async () => {
    await putObject(storage, 'dir/a', patternBytes(10));
    await storage.delete('dir');
    expect((await storage.head('dir/a')).size).toBe(10);
    expect(proxy.take()).not.toContain('DELETE');
  });

  it('says nothing of a mark whose object something else replaced', async () => {
    await putObject(storage, 'a', patternBytes(10), { attributes: { metadata: { of: 'me' } } });
    expect((await storage.head('a')).attributes.metadata).toEqual({ of: 'me' });
    writeFileSync(join(apache.data, root, 'a'), 'other');
    expect(await storage.head('a')).toMatchObject({ size: 5, mark: undefined, attributes: {} });
  });

  it('cleans up after a writer of another host only when it was silent for a day', async () => {
    const staging = join(apache.data, root, '.pando/staging/elsewhere.1.abc');
    mkdirSync(staging, { recursive: true });
    for (const one of ['.pando', '.pando/staging', '.pando/staging/elsewhere.1.abc'])
      chmodSync(join(apache.data, root, one), 0o777);
    writeFileSync(join(staging, '1'), 'x');
    expect(await storage.clean()).toBe(0);
    await using late = openWebdavStorage({
      name: 'web',
      place: 'http://web/',
      settings: {
        url: `${proxy.endpoint}/${root}/`,
        login: { kind: 'basic', user: apache.user, password: apache.password },
        flushes: true,
      },
      clock: { ...systemClock, nowMs: () => Date.now() + 25 * 3600_000 },
      random: systemRandom,
    });
    expect(await late.clean()).toBe(1);
    expect(existsSync(staging)).toBe(false);
  });

  it('is soft unless the server is known to flush', async () => {
    expect(storage.capabilities.soft).toBe(true);
    await expectKind(storage.flushAll(), 'unsupported');
    await using flushing = open({ flushes: true });
    expect(flushing.capabilities.soft).toBe(false);
    await flushing.flushAll();
  });
});

function responseOf(href: string, isCollection = false): string {
  const type = isCollection ? '<D:collection/>' : '';
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:resourcetype>${type}</D:resourcetype><D:getcontentlength>1</D:getcontentlength><D:getetag>"e"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
}
