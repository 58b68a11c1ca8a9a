import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ill, passOn, type PeerAnswer, type PeerRequest, type Treatment } from '../servers/peer-proxy.ts';
import { forEachAtOnce, hashOf, isSoak, listingOf, pando, report, settled, SitePair, statusOf } from './site-pair.ts';

const OBJECTS = isSoak ? 2_000 : 30;
/** Few attempts: each takes a second. */
const CONFIG = 'replication: {enabled: true, retry_delay: 100ms, retry_attempts: 2}\n';

const json = (status: number, value: unknown): PeerAnswer => ({ status, body: Buffer.from(JSON.stringify(value)) });
const raw = (bytes: string): Ill => ({ ill: 'raw', bytes });
const names = ({ entries }: PeerRequest): readonly string[] =>
  entries.flatMap((entry) => (entry.kind === 'version' ? [entry.name] : []));
/** Only what is done to batches. */
const ofBatches =
  (treat: Treatment): Treatment =>
  (asked, pass) =>
    asked.route === 'batch' ? treat(asked, pass) : pass();

/** The peer took it, and its answer is lost on the way, or is something else. */
const afterwards = (answer: (asked: PeerRequest, given: PeerAnswer) => PeerAnswer | Ill): Treatment =>
  ofBatches(async (asked, pass) => answer(asked, await pass()));

const outcomes = (count: number, kind: string) =>
  json(200, { outcomes: Array.from({ length: count }, () => ({ kind })) });
const OK = 'HTTP/1.1 200 OK\r\n';

/** Nothing is refused for these: the peer is asked again until it is well. */
const PARKING: Readonly<Record<string, Treatment>> = {
  '503 to everything': () => json(503, { code: 'unavailable', message: 'not now' }),
  '503 with a page of HTML': ofBatches(() => ({
    status: 503,
    headers: { 'content-type': 'text/html' },
    body: Buffer.from('<h1>no'),
  })),
  '429': ofBatches(() => json(429, {})),
  '502': ofBatches(() => json(502, {})),
  '401': () => json(401, { code: 'unauthorised', message: 'who are you?' }),
  '403 to batches': ofBatches(() => json(403, {})),
  '404': () => json(404, {}),
  'a way elsewhere': () => ({ status: 302, headers: { location: '/elsewhere' }, body: Buffer.alloc(0) }),
  'garbage in place of HTTP': () => raw('\x00\x01 I am no server\r\n\r\n'),
  'the end of the connection': ofBatches(() => raw('')),
  'half an answer': ofBatches(() => raw(`${OK}content-length: 1000\r\n\r\n{"outcomes": [{"ki`)),
  'half an answer to what it took': afterwards((_, { body }) =>
    raw(`${OK}content-length: 100000\r\n\r\n${Buffer.from(body as Uint8Array).toString()}`),
  ),
  '503 to what it took': afterwards(() => json(503, {})),
  'a hello that is none': ({ route }) => (route === 'hello' ? json(200, { protocol: 1, site: 'me' }) : json(503, {})),
  'a hello of another protocol': ({ route }) => (route === 'hello' ? json(200, { protocol: 2 }) : json(503, {})),
};

/** For these nobody knows whether it is the peer's last word: tried a few times, and kept. */
const REFUSING: Readonly<Record<string, Treatment>> = {
  '400 to everything': ofBatches(() => json(400, { code: 'invalid', message: 'no' })),
  '200 with garbage': ofBatches(() => ({ status: 200, body: Buffer.from('<html>Welcome to the hotel</html>') })),
  '200 with null': ofBatches(() => json(200, null)),
  'an outcome too few': ofBatches(({ entries }) => outcomes(entries.length - 1, 'applied')),
  'an outcome too many for what it took': afterwards(({ entries }) => outcomes(entries.length + 1, 'applied')),
  'outcomes that nobody knows': ofBatches(({ entries }) => outcomes(entries.length, 'great')),
  'a refusal of each': ofBatches(({ entries }) => outcomes(entries.length, 'refused')),
};

/** Those that the short test leaves out are told from these by what is read of the answer. */
const REFUSED = isSoak
  ? Object.keys(REFUSING)
  : ['200 with garbage', 'an outcome too many for what it took', 'a refusal of each'];

describe('a peer that is ill', () => {
  let pair: SitePair;
  let count = 0;
  beforeAll(async () => {
    pair = await SitePair.open({ a: { config: CONFIG } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());
  afterEach(() => {
    pair.toB.treat = passOn;
  });

  /** They are told of one after the other, and in batches. */
  const write = async (objects = OBJECTS): Promise<string[]> => {
    const written = Array.from({ length: objects }, () => `o-${count++}`);
    await forEachAtOnce(written, 8, async (name) =>
      expect((await pair.a.put(`/s/${name}`, `text of ${name}`)).status).toBe(200),
    );
    return written;
  };
  /** Nothing waits any more. */
  const untilEmpty = (): Promise<void> =>
    expect.poll(async () => (await statusOf(pair.a)).depth, { timeout: 60_000, interval: 20 }).toBe(0);
  const expectEqual = async (): Promise<void> => {
    const [here, there] = [await listingOf(pair.a, 's'), await listingOf(pair.b, 's')];
    expect(here.size).toBe(count);
    expect(there).toEqual(here);
    const last = `/s/o-${count - 1}`;
    expect(await hashOf(pair.b, last)).toBe(await hashOf(pair.a, last));
  };
  /** What was counted is what went over the wire. */
  const expectCounted = async (): Promise<void> => {
    const { events_queued, events_replicated, depth } = await statusOf(pair.a);
    expect({ events_queued, events_replicated, depth }).toEqual({
      events_queued: count,
      events_replicated: pair.toB.acknowledged.size,
      depth: 0,
    });
    expect(events_replicated).toBe(count);
  };
  /** Begun before it can have met the peer as it is now: until it has, so often. */
  const meeting = (times = 2) => {
    const all = (): number => pair.toB.count('batch') + pair.toB.count('hello');
    const before = all();
    return () => expect.poll(all, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(before + times);
  };

  it.each(Object.keys(PARKING))('and answers %s is asked again, and loses nothing', async (illness) => {
    pair.toB.treat = PARKING[illness] as Treatment;
    const before = await statusOf(pair.a);
    // A connection that was open before is not met by it.
    pair.toB.cut();
    const met = meeting();
    await write();
    await met();
    await expect.poll(async () => (await statusOf(pair.a)).parked, { timeout: 30_000 }).toBe(1);
    expect(await statusOf(pair.a)).toMatchObject({
      events_replicated: before.events_replicated,
      depth: OBJECTS,
      events_failed: 0,
    });
    pair.toB.treat = passOn;
    await untilEmpty();
    await expectEqual();
    await expectCounted();
  });

  it('and says nothing at all is given up, and asked again', async () => {
    const silent: Treatment = () => ({ ill: 'nothing' });
    pair.toB.treat = silent;
    pair.toB.cut();
    const met = meeting(1);
    await write();
    await met();
    // Half a minute is what a peer is given; somebody on the way may be less patient.
    if (isSoak)
      await expect
        .poll(async () => (await statusOf(pair.a)).peers[0]?.last_error, { timeout: 60_000 })
        .toMatch(/nothing was heard/);
    pair.toB.treat = passOn;
    pair.toB.cut();
    await settled(pair.a, 'b');
    await expectEqual();
    await expectCounted();
  });

  it.each(REFUSED)('and answers %s makes dead letters; sent again they are all there', async (illness) => {
    pair.toB.treat = REFUSING[illness] as Treatment;
    const before = await statusOf(pair.a);
    await write();
    await untilEmpty();
    expect(await statusOf(pair.a)).toMatchObject({
      events_failed: OBJECTS,
      events_replicated: before.events_replicated,
    });
    expect(await pando(pair.a, 'peer', 'wait', 'b', '--timeout', '20s')).toMatchObject({ code: 1 });
    pair.toB.treat = passOn;
    // Others went on meanwhile, and go on.
    await write(1);
    await untilEmpty();
    const replayed = await pair.a.fetch('/admin/replication/dead-letters/replay', { method: 'POST' });
    expect(await replayed.json()).toEqual({ entries: OBJECTS });
    await untilEmpty();
    await expectEqual();
    await expectCounted();
  });

  it('and answers 400 for one entry loses none: that one is a dead letter, which is named', async () => {
    const poison = `o-${count + 3}`;
    pair.toB.treat = ofBatches((asked, pass) =>
      names(asked).includes(poison) ? json(400, { code: 'invalid', message: 'not this one' }) : pass(),
    );
    await write();
    const waited = await pando(pair.a, 'peer', 'wait', 'b', '--timeout', '60s');
    expect([waited.code, waited.stderr + waited.stdout]).toEqual([1, expect.stringContaining(poison) as string]);
    expect(await statusOf(pair.a)).toMatchObject({ events_failed: 1, events_replicated: count - 1, depth: 0 });
    expect((await listingOf(pair.b, 's')).size).toBe(count - 1);
    expect(pair.toB.acknowledged.size).toBe(count - 1);
    pair.toB.treat = passOn;
    await pando(pair.a, 'peer', 'replay', 'b');
    await settled(pair.a, 'b');
    await expectEqual();
    await expectCounted();
  });

  it('and answers 413 for batches of more than four entries gets smaller ones', async () => {
    let sizeMax = 0;
    // What waits comes in batches.
    pair.toB.treat = PARKING['503 to everything'] as Treatment;
    pair.toB.cut();
    const large = ofBatches((asked, pass) => {
      sizeMax = Math.max(sizeMax, asked.entries.length);
      return asked.entries.length > 4 ? json(413, { code: 'too-large', message: 'too large' }) : pass();
    });
    const met = meeting();
    await write();
    await met();
    pair.toB.treat = large;
    await settled(pair.a, 'b');
    expect(sizeMax).toBeGreaterThan(4);
    expect(await statusOf(pair.a)).toMatchObject({ events_failed: 0 });
    await expectEqual();
    await expectCounted();
    report(
      `${count} objects, ${pair.toB.count('batch')} batches, ${pair.toB.acknowledged.size} entries acknowledged on the wire`,
    );
  });
});
