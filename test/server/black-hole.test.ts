import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRoot } from '../faults/child.ts';
import { TestNetwork } from './network.ts';
import { ServerProcess } from './server-process.ts';
import { awaited, isSoak, pando, report } from './site-pair.ts';
import { WRITE_LOAD, type WriteLoad } from './write-load.ts';

const run = promisify(execFile);
const LINK = resolve(import.meta.dirname, '../../src/peers/http-peer-link.ts');
/** The kernel tries to connect for two minutes. */
const ASKING = `
  import { HttpPeerLink } from ${JSON.stringify(LINK)};
  await using link = new HttpPeerLink({ url: process.argv[1], token: undefined, idleMs: 500 });
  await link.hello({ protocol: 1, site: '0123456789abcdef' }, AbortSignal.timeout(30_000)).catch((error) => console.log(error.message));
`;
const WRITERS = 8;
const ROUNDS = isSoak ? 15 : 1;
const WRITES = isSoak ? 2_000 : 200;

const p99 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? NaN;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const shown = (value: number): string => value.toFixed(2);

describe.runIf(isRoot)('a peer that no packet reaches', () => {
  const network = new TestNetwork();
  const servers: ServerProcess[] = [];
  const start = async (host: 'a' | 'b', config: string): Promise<ServerProcess> => {
    const args = ['--host', network.addresses[host], '--insecure'];
    const server = await ServerProcess.start({ config, args, under: network.under(host) });
    servers.push(server);
    return server;
  };
  const writeAt = async (server: ServerProcess, first: number, count = WRITES): Promise<WriteLoad> => {
    const [program, ...words] = [...network.under('a'), process.execPath, WRITE_LOAD];
    const { stdout } = await run(program, [...words, server.url, `${first}`, `${count}`, `${WRITERS}`], {
      maxBuffer: 1e8,
    });
    return JSON.parse(stdout) as WriteLoad;
  };
  const objectsAt = async (server: ServerProcess): Promise<number> =>
    (JSON.parse((await pando(server, 'status', '--json')).stdout) as { objects: number }).objects;
  let [a, b, alone]: (ServerProcess | undefined)[] = [];
  beforeAll(async () => {
    if (!network.isMade) return;
    b = await start('b', 'replication: {accept: [{id: a, token: of-a}]}\n');
    a = await start(
      'a',
      `replication: {enabled: true, retry_delay: 200ms, peers: [{id: b, url: "${b.url}", token: of-a}]}\n`,
    );
    if (isSoak) alone = await start('a', '');
    await awaited(a, 'b');
  });
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    network[Symbol.dispose]();
  });

  it('leaves local writes as they are, and gets all of them when packets come through again', async (context) => {
    if (a === undefined || b === undefined) return context.skip('network namespaces cannot be made here');
    expect((await writeAt(a, 0, 50)).statuses).toEqual([200]);
    await awaited(a, 'b');
    expect(network.drop()).toBe(true);
    const latencies = { alone: [] as number[], a: [] as number[] };
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = 1_000 + round * WRITES;
      // Before and after, so that what the machine does meanwhile is shared.
      const before = alone && (await writeAt(alone, 2 * first));
      const during = await writeAt(a, first);
      const after = alone && (await writeAt(alone, 2 * first + WRITES));
      expect(during.statuses).toEqual([200]);
      latencies.a.push(...during.latenciesMs);
      if (before === undefined || after === undefined) continue;
      latencies.alone.push(...before.latenciesMs, ...after.latenciesMs);
      ratios.push(p99(during.latenciesMs) / p99([...before.latenciesMs, ...after.latenciesMs]));
    }
    expect(await objectsAt(b)).toBe(50);
    const [program, ...words] = [...network.under('a'), process.execPath, '--input-type=module', '-e', ASKING];
    expect((await run(program, [...words, b.url])).stdout).toMatch(/nothing was heard for 0.5 s/);
    expect(network.flow()).toBe(true);
    const startedMs = performance.now();
    await awaited(a, 'b', '5m');
    const tookMs = performance.now() - startedMs;
    const all = 50 + ROUNDS * WRITES;
    expect([await objectsAt(a), await objectsAt(b)]).toEqual([all, all]);
    report(
      `${all} writes by ${WRITERS} while no packet comes through: p99 ${shown(p99(latencies.a))} ms, without a peer ` +
        `${shown(p99(latencies.alone))} ms; ratio of ${ROUNDS} rounds: median ${shown(median(ratios))}, ` +
        `${shown(Math.min(...ratios))} to ${shown(Math.max(...ratios))}; all there ${shown(tookMs / 1000)} s after packets came through again`,
    );
    if (isSoak) expect(median(ratios)).toBeLessThanOrEqual(1.2);
  });
});
