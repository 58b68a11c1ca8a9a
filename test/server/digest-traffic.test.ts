import { expect, test } from 'vitest';
import { PeerProxy } from '../servers/peer-proxy.ts';
import { Sandbox } from '../cli/sandbox.ts';
import { ForeignSite } from './foreign-site.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { listAll } from './site-network.ts';

const OBJECTS = process.env['PANDO_SOAK'] === '1' ? 1_000_000 : 2_000;
const APART = 10;
const AT_ONCE = 1_000;
/** For one name: digests of the leaves of its branch, names in its leaf, and the entry. */
const NAME_BYTES_MAX = 8 * 1024;

async function tell(site: ForeignSite, count: number, from = 0): Promise<void> {
  let at = from;
  const lane = async (): Promise<void> => {
    while (at < from + count) {
      const begin = at;
      at = Math.min(from + count, at + AT_ONCE);
      const page = Array.from({ length: at - begin }, (_, index) => {
        const counter = begin + index + 1;
        return { scope: 's', name: `dir-${counter % 100}/object-${counter}`, text: 'x', counter };
      });
      const outcomes = await site.send(page);
      expect(new Set(outcomes)).toEqual(new Set(['applied']));
    }
  };
  await Promise.all([lane(), lane()]);
}

test(`two sites with ${OBJECTS} objects that are ${APART} names apart tell each other of little more than these`, {
  timeout: 3_600_000,
}, async () => {
  const [a, b] = await Promise.all([startServer(), startServer()]);
  await using proxy = await PeerProxy.start();
  proxy.leadTo(b);
  // The same at both, told by a site that they both know.
  let at: ServerProcess = a;
  const third = new ForeignSite(() => at, 'third');
  for (const server of [b, a]) {
    at = server;
    expect((await third.hello()).status).toBe(200);
    await tell(third, OBJECTS);
  }
  await tell(third, APART, OBJECTS);
  using box = new Sandbox();
  const there = (...args: string[]) => box.run(args, { env: { PANDO_SERVER: a.url } });
  expect((await there('peer', 'add', proxy.url, '--name', 'b', '--direction', 'send')).code).toBe(0);
  expect((await there('peer', 'wait', 'b', '--timeout', '30m')).code).toBe(0);
  const { batch, digests, listing } = Object.fromEntries(proxy.traffic);
  const bytes = [batch, digests, listing].map((one) => one?.bytes ?? 0);
  process.stdout.write(
    `${OBJECTS} objects, ${APART} apart: batches ${bytes[0]}, digests ${bytes[1]}, names ${bytes[2]} bytes\n`,
  );
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(APART * NAME_BYTES_MAX);
  expect(new Set(proxy.delivered.map(({ outcome }) => outcome))).toEqual(new Set(['bytes-wanted', 'applied']));
  expect(proxy.delivered.filter(({ outcome }) => outcome === 'applied')).toHaveLength(APART);
  expect((await there('peer', 'check', 'b')).code).toBe(0);
  if (OBJECTS < 10_000) expect(await listAll(b, 's')).toEqual(await listAll(a, 's'));
});
