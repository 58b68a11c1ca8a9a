import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import { type FuzzedRoute, type FuzzRequest, FuzzRequests, toBytes } from './fuzz-requests.ts';
import { RawConnection } from './raw-connection.ts';
import { exchangeRaw, type ServerProcess, startServer } from './server-process.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const REQUESTS = soak ? 100_000 : 1_000;
const SEED = Number(process.env['PANDO_SEED'] ?? (soak ? Date.now() % 1_000_000 : 1));
const CONNECTIONS = 32;
/** After the first tenth what is to be kept is there; the allowance is for garbage that is not collected yet. */
const GROWTH_MIB_MAX = soak ? 60 : 200;

/** What any request may be told. */
const ALWAYS = [400, 401, 404, 405, 408, 413, 414, 431];
const TO_PEERS = [200, 206, 403, 409, 410];
/** Of a machine, a program, or a failure nobody thought of. */
const INSIDES =
  /\/tmp\/|\/home\/|\/root\/|node_modules|node:[a-z]|\.[tj]s:\d|\n\s+at |sqlite_|SQLITE_|TypeError|not a function|Cannot read/;
/** Administrators are told where stores lie. */
const OF_ADMINISTRATORS = /^\/admin\/(?:status|replicas|requests)/;

interface Document {
  readonly paths: Record<
    string,
    Record<string, { responses: object; parameters: readonly { in: string; name: string }[] }>
  >;
}

interface Known extends FuzzedRoute {
  readonly pattern: RegExp;
  readonly statuses: readonly number[];
}

function readRoutes({ paths }: Document): Known[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses, parameters }]) => ({
      method: method.toUpperCase(),
      path,
      queries: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
      pattern: new RegExp(
        `^${path.replaceAll(/[.]/g, '\\.').replaceAll(/\{([a-z]+)\}/g, (_, name) => (name === 'name' ? '.*' : '[^/]*'))}$`,
      ),
      statuses: Object.keys(responses).map(Number),
    })),
  );
}

function allowed(routes: readonly Known[], { method, target, headers }: FuzzRequest): Set<number> {
  const [path = ''] = target.split('?');
  const those = routes.filter((route) => route.method === method && route.pattern.test(path));
  const more = headers.some(([name]) => name === 'Expect') ? [417] : [];
  const foreign = headers.some(([name]) => name === 'Origin') ? [403] : [];
  const ofPeers = path.startsWith('/_peer/') ? TO_PEERS : [];
  return new Set([...ALWAYS, ...more, ...foreign, ...ofPeers, ...those.flatMap(({ statuses }) => statuses)]);
}

const residentMib = ({ pid }: ServerProcess): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

test(`${REQUESTS} requests that nobody would send, to each route, are answered as they should be`, {
  timeout: 3_600_000,
}, async () => {
  process.stdout.write(`the seed of these requests is ${SEED}: PANDO_SEED=${SEED}\n`);
  const server = await startServer();
  // Heads that do not end; they are told so while the others are answered.
  const slow = Array.from({ length: 20 }, () =>
    exchangeRaw(server.port, ['GET /s/a HT', 'TP/1.1\r\nHost: localhost\r\nA'], { pauseMs: 500, silentMs: 40_000 }),
  );
  const routes = readRoutes((await (await server.fetch('/openapi.json')).json()) as Document);
  expect(routes.length).toBeGreaterThan(25);
  const requests = new FuzzRequests(new SimulatedRandom(SEED), routes, server);
  const statuses = new Map<number | string, number>();
  const wrong: string[] = [];
  const resident: number[] = [];
  let asked = 0;
  const lane = async (): Promise<void> => {
    let connection = new RawConnection(server.port);
    while (asked < REQUESTS && wrong.length < 20) {
      const request = requests.next();
      if (asked++ % (REQUESTS / 100) === 0) resident.push(residentMib(server));
      if (connection.isOver) connection = new RawConnection(server.port);
      // Of one that says too much of itself the rest would be waited for.
      const isLast = request.announced !== undefined;
      const answer = await connection.ask(toBytes(request), { isHead: request.method === 'HEAD', isLast });
      const told = answer?.status ?? 'none';
      statuses.set(told, (statuses.get(told) ?? 0) + 1);
      const isWrong =
        answer === undefined
          ? !isLast
          : answer.status >= 500 && answer.status !== 501
            ? true
            : !allowed(routes, request).has(answer.status);
      const text = `${answer?.head ?? ''}\n${answer?.body ?? ''}`;
      const tellsInsides = INSIDES.test(text) && !(answer?.status === 200 && OF_ADMINISTRATORS.test(request.target));
      if (isWrong || tellsInsides || /^x-evil:/im.test(text))
        wrong.push(`${toBytes(request).toString('latin1').slice(0, 600)}\n→ ${text.slice(0, 600)}`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  const counts = [...statuses].map(([status, count]) => `${status} × ${count}`).sort((a, b) => (a < b ? -1 : 1));
  process.stdout.write(`${asked} requests: ${counts.join(', ')}\n`);
  const tenth = Math.ceil(resident.length / 10);
  const [first, last] = [resident.slice(tenth, 2 * tenth), resident.slice(-tenth)].map((some) => Math.min(...some));
  process.stdout.write(
    `resident: ${first?.toFixed(0)} MiB after the first tenth, ${last?.toFixed(0)} MiB at the end\n`,
  );
  expect(wrong).toEqual([]);
  expect((await server.fetch('/admin/health')).status).toBe(200);
  expect((await server.put('/alive/x', 'x')).status).toBe(200);
  expect((last ?? 0) - (first ?? 0)).toBeLessThan(GROWTH_MIB_MAX);
  for (const said of await Promise.all(slow)) expect(said).toMatch(/^HTTP\/1\.1 408 /);
  expect(server.stderr).not.toMatch(/a request failed.* stack=/);
});
