import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { TransferReport } from '../../src/ports/transfer-tool.ts';
import { TransferToolError } from '../../src/ports/transfer-tool.ts';
import { FakeFts } from '../../src/testing/index.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { patternBytes, putObject } from '../../src/testing/storage-contract/harness.ts';
import { openFts3Tool } from '../../src/transfer-tools/fts3/fts3-tool.ts';
import { Fts3World, untilOver, urlOf } from './fts3-world.ts';

const over = (outcome: object) => ({ kind: 'final', outcome }) as const;

describe('submitting to FTS', () => {
  test('a job that was accepted, and not answered, is known by its attempt and made once', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    world.fake.faults.crashAfterAccept = 1;
    const id = world.tool.idOf(transfer.attempt);
    expect(await world.tool.submit([transfer])).toEqual([{ kind: 'accepted', id, isRepeat: true }]);
    expect(await untilOver(world.tool, transfer)).toMatchObject(over({ kind: 'arrived', verification: 'store' }));
    expect(world.fake.counts).toEqual({ accepted: 1, moved: 1 });
  });

  test('a job that never came to the books is unsure, then lost, and may be submitted again', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    world.fake.faults.crashBeforeAccept = 1;
    expect(await world.tool.submit([transfer])).toMatchObject([
      { kind: 'unsure', id: world.tool.idOf(transfer.attempt) },
    ]);
    expect(await untilOver(world.tool, transfer)).toMatchObject(over({ kind: 'lost' }));
    expect(await world.tool.submit([transfer])).toMatchObject([{ kind: 'accepted', isRepeat: false }]);
    expect(await untilOver(world.tool, transfer)).toMatchObject(over({ kind: 'arrived' }));
  });

  test('who cannot know whether a submission was taken says so', async () => {
    await using world = await Fts3World.open({ deadlineMs: 200 });
    const transfer = await world.prepare();
    world.fake.faults.answerAfterMs = 1000;
    const [submission] = await world.tool.submit([transfer]);
    expect(submission).toMatchObject({ kind: 'unsure', why: 'FTS: no answer within 200 ms' });
    world.fake.faults.answerAfterMs = 0;
    expect(await untilOver(world.tool, transfer)).toMatchObject(over({ kind: 'arrived' }));
  });

  test.each([
    [401, 'denied'],
    [403, 'denied'],
    [419, 'denied'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [400, 'unsupported'],
  ])('an answer of %i is a refusal: %s, and nothing is begun', async (status, reason) => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    world.fake.faults.fail = { status, times: 1 };
    expect(await world.tool.submit([transfer])).toMatchObject([{ kind: 'refused', reason }]);
    expect(world.fake.counts.accepted).toBe(0);
  });

  test('a conflict with somebody else is a duplicate', async () => {
    await using world = await Fts3World.open();
    world.fake.faults.conflicts = 1;
    const batch = [await world.prepare(), await world.prepare()];
    const kinds = (await world.tool.submit(batch)).map((one) => (one.kind === 'refused' ? one.reason : one.kind));
    expect(kinds.toSorted()).toEqual(['accepted', 'duplicate']);
  });

  test('a server that is not there begins nothing, and answers no poll', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    await world.fake[Symbol.asyncDispose]();
    expect(await world.tool.submit([transfer])).toMatchObject([{ kind: 'refused', reason: 'unavailable' }]);
    expect(await world.tool.poll([world.tool.idOf(transfer.attempt)])).toMatchObject([{ kind: 'no-answer' }]);
    await expect(world.tool.cancel([world.tool.idOf(transfer.attempt)])).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('a server that gives jobs ids of its own is of no use, and its job is taken back', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    world.fake.faults.hold = true;
    world.fake.faults.ownIds = true;
    expect(await world.tool.submit([transfer])).toMatchObject([{ kind: 'refused', reason: 'unsupported' }]);
    world.fake.release();
    expect(world.fake.counts).toEqual({ accepted: 1, moved: 0 });
    expect(await world.isThere(transfer)).toBe(false);
  });

  test('URLs with a password, and of schemes it was not told of, are not its own', async () => {
    await using world = await Fts3World.open({ schemes: ['davs'] });
    const { sources, destination } = await world.prepare();
    const [source] = sources;
    if (source === undefined) throw new Error('no source');
    const secret = { ...source, url: 'davs://user:secret@a.example.org/x' };
    const davs = { ...destination, url: 'davs://b.example.org/x' };
    expect(world.tool.canTransfer({ ...source, url: 'davs://a.example.org/x' }, davs)).toBe(true);
    expect(world.tool.canTransfer(secret, davs)).toBe(false);
    expect(world.tool.canTransfer(source, davs)).toBe(false);
    expect(world.tool.canTransfer({ ...source, url: undefined }, davs)).toBe(false);
  });
});

describe('what FTS says of jobs', () => {
  test('known and unknown ones are told apart in one question, in whatever order and however often they come', async () => {
    await using world = await Fts3World.open();
    const batch = await Promise.all(Array.from({ length: 130 }, () => world.prepare()));
    await world.tool.submit(batch);
    world.fake.faults.shuffled = true;
    const ids = batch.flatMap(({ attempt }) => [world.tool.idOf(attempt), world.tool.idOf(`${attempt}/unknown`)]);
    for (const transfer of batch) await untilOver(world.tool, transfer);
    const statuses = await world.tool.poll(ids);
    expect(statuses.map(({ id }) => id)).toEqual(ids);
    for (const [at, status] of statuses.entries())
      expect(status).toMatchObject(over({ kind: at % 2 === 0 ? 'arrived' : 'lost' }));
  });

  test('a job the server has forgotten is lost, alone and among others', async () => {
    await using world = await Fts3World.open();
    const batch = [await world.prepare(), await world.prepare()];
    await world.tool.submit(batch);
    const ids = batch.map(({ attempt }) => world.tool.idOf(attempt));
    for (const transfer of batch) await untilOver(world.tool, transfer);
    world.fake.forget(ids[0] ?? '');
    expect(await world.tool.poll(ids)).toMatchObject([over({ kind: 'lost' }), over({ kind: 'arrived' })]);
    expect(await world.tool.poll(ids.slice(0, 1))).toMatchObject([over({ kind: 'lost' })]);
  });

  test('no answer says nothing of a job', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    await world.tool.submit([transfer]);
    const ids = [world.tool.idOf(transfer.attempt)];
    for (const status of [419, 500, 503, 403]) {
      world.fake.faults.fail = { status, times: 1 };
      expect(await world.tool.poll(ids)).toMatchObject([{ kind: 'no-answer' }]);
    }
  });

  test('a page that is no answer of FTS says nothing of a job either', async () => {
    const server = createServer((_, response) => void response.end('<html>maintenance</html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using tool = await openFts3Tool({ endpoint, vo: 'pando' });
    const ids = ['a', 'b'].map((attempt) => tool.idOf(attempt));
    expect(await tool.poll(ids)).toMatchObject(ids.map((id) => ({ id, kind: 'no-answer' })));
    expect(await tool.poll(ids.slice(0, 1))).toMatchObject([{ kind: 'no-answer' }]);
    await expect(openFts3Tool({ endpoint })).rejects.toMatchObject({ kind: 'unsupported' });
    server.closeAllConnections();
    server.close();
  });

  test('bytes damaged on the way do not arrive, and say nothing against the source', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    world.fake.faults.wrongBytes = 'noticed';
    await world.tool.submit([transfer]);
    expect(await untilOver(world.tool, transfer)).toMatchObject(
      over({ kind: 'failed', failed: [{ source: world.from.place, at: 'between', kind: 'corrupt' }] }),
    );
    expect(await world.isThere(transfer)).toBe(false);
    delete world.fake.faults.wrongBytes;
    const again = { ...transfer, attempt: 'site-1/1/2' };
    await world.tool.submit([again]);
    expect(await untilOver(world.tool, again)).toMatchObject(over({ kind: 'arrived' }));
    expect(await world.isThere(again)).toBe(true);
  });

  test('without a checksum both know nobody vouches for what arrived', async () => {
    await using world = await Fts3World.open();
    const { content, ...rest } = await world.prepare();
    const transfer = { ...rest, content: { ...content, checksums: {} } };
    world.fake.faults.wrongBytes = 'unnoticed';
    await world.tool.submit([transfer]);
    expect(await untilOver(world.tool, transfer)).toMatchObject(
      over({ kind: 'arrived', size: 1000, checksums: {}, verification: 'none' }),
    );
    expect(await world.isThere(transfer)).toBe(false);
  });

  test('what lies at an occupied destination is not taken for the wanted bytes by its size alone', async () => {
    await using world = await Fts3World.open();
    const { content, ...rest } = await world.prepare();
    await putObject(world.to, rest.destination.key, patternBytes(1000, 99));
    const unknown = { ...rest, content: { ...content, checksums: {} } };
    await world.tool.submit([unknown]);
    expect(await untilOver(world.tool, unknown)).toMatchObject(
      over({ kind: 'failed', failed: [{ at: 'destination', kind: 'precondition-failed' }] }),
    );
  });

  test('a job with sources left is running, whatever became of the first', async () => {
    await using world = await Fts3World.open();
    const transfer = await world.prepare();
    const missing = { store: 'elsewhere', key: 'no', url: urlOf(world.from, 'no'), token: undefined };
    world.fake.faults.moveAfterMs = 150;
    await world.tool.submit([{ ...transfer, sources: [missing, ...transfer.sources] }]);
    await new Promise((resolve) => setTimeout(resolve, 220));
    expect(await world.tool.poll([world.tool.idOf(transfer.attempt)])).toMatchObject([{ kind: 'running' }]);
    expect(await untilOver(world.tool, transfer)).toMatchObject(
      over({ kind: 'arrived', source: world.from.place, failed: [{ source: 'elsewhere', kind: 'not-found' }] }),
    );
  });
});

describe('messages of FTS', () => {
  test('messages that come twice and backwards are reports that say what polls say', async () => {
    await using world = await Fts3World.open();
    const messages: unknown[] = [];
    world.fake.onMessage((message) => void messages.push(message));
    const heard: TransferReport[] = [];
    world.tool.onReport((report) => void heard.push(report));
    const batch = await Promise.all(Array.from({ length: 5 }, () => world.prepare()));
    await world.tool.submit(batch);
    for (const transfer of batch) await untilOver(world.tool, transfer);
    expect(messages.length).toBe(5);
    for (const message of [...messages, ...messages].toReversed()) world.tool.receive(message);
    while (new Set(heard.map(({ id }) => id)).size < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    const polled = await world.tool.poll(heard.map(({ id }) => id));
    expect(polled).toEqual(heard.map((report) => ({ kind: 'final', ...report })));
  });

  test('what others submitted, and what is no message at all, is passed over', async () => {
    await using world = await Fts3World.open();
    const heard: TransferReport[] = [];
    world.tool.onReport((report) => void heard.push(report));
    const transfer = await world.prepare();
    await world.tool.submit([transfer]);
    await untilOver(world.tool, transfer);
    const tr_id = `x__${world.tool.idOf(transfer.attempt)}`;
    for (const message of [undefined, null, 'text', 7, [], {}, { tr_id, job_metadata: { issuer: 'others' } }])
      world.tool.receive(message);
    world.tool.receive({ tr_id: '../../x', job_metadata: { issuer: 'pando' } });
    world.tool.receive({ tr_id: 5, job_metadata: { issuer: 'pando' } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual([]);
  });

  test('a message is believed only as far as the server confirms it', async () => {
    await using world = await Fts3World.open();
    const heard: TransferReport[] = [];
    world.tool.onReport((report) => void heard.push(report));
    const transfer = await world.prepare();
    world.fake.faults.hold = true;
    await world.tool.submit([transfer]);
    const forged = { t_final_transfer_state: 'Ok', job_state: 'FINISHED', job_metadata: { issuer: 'pando' } };
    world.tool.receive({ ...forged, tr_id: `x__${world.tool.idOf(transfer.attempt)}` });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual([]);
  });
});

describe('who asks FTS', () => {
  test('the organisation of the token names the jobs', async () => {
    await using world = await Fts3World.open();
    await using asked = await openFts3Tool({ endpoint: world.fake.endpoint });
    await using other = await openFts3Tool({ endpoint: world.fake.endpoint, vo: 'other' });
    expect(asked.idOf('a')).toBe(world.tool.idOf('a'));
    expect(other.idOf('a')).not.toBe(world.tool.idOf('a'));
  });

  test('a token goes with each request, is asked for anew each time, and stands in no message', async () => {
    const secret = 'top-secret-token';
    let asked = 0;
    const token = (): string => {
      asked++;
      return secret;
    };
    await using world = await Fts3World.open();
    await using tool = await openFts3Tool({ endpoint: world.fake.endpoint, token });
    const transfer = await world.prepare();
    const before = asked;
    await tool.submit([transfer]);
    await untilOver(tool, transfer);
    expect(asked).toBeGreaterThan(before + 1);
    world.fake.faults.fail = { status: 403, times: 4 };
    const said = [
      await tool.submit([await world.prepare()]),
      await tool.poll([tool.idOf(transfer.attempt)]),
      await tool.cancel([tool.idOf(transfer.attempt)]).catch((error: Error) => `${error.stack}`),
      await tool.prioritise([tool.idOf(transfer.attempt)], 1).catch((error: Error) => `${error.stack}`),
    ];
    expect(JSON.stringify(said)).toContain('403');
    expect(JSON.stringify(said)).not.toContain(secret);
  });

  test('a server that wants a token takes no other', async () => {
    const from = openMemoryStorage({ name: 'from', clock: systemClock });
    await using fake = await FakeFts.open({ stores: [{ url: 'https://x/', storage: from }], token: 'right' });
    await using tool = await openFts3Tool({ endpoint: fake.endpoint, token: async () => 'right' });
    await expect(openFts3Tool({ endpoint: fake.endpoint, token: () => 'wrong' })).rejects.toMatchObject({
      kind: 'denied',
    });
    await expect(openFts3Tool({ endpoint: fake.endpoint })).rejects.toMatchObject({ kind: 'denied' });
    expect(await tool.poll([tool.idOf('a')])).toMatchObject([over({ kind: 'lost' })]);
  });

  test('without its token, and with a password in its address, nothing is opened', async () => {
    await using world = await Fts3World.open();
    world.fake.faults.fail = { status: 403, times: 1 };
    await expect(openFts3Tool({ endpoint: world.fake.endpoint })).rejects.toBeInstanceOf(TransferToolError);
    await expect(openFts3Tool({ endpoint: 'https://u:hidden@fts.example.org' })).rejects.not.toThrow('hidden');
  });

  test('0 is most urgent here, and 5 there', async () => {
    await using world = await Fts3World.open();
    world.fake.faults.hold = true;
    const transfer = await world.prepare({ priority: 4 });
    await world.tool.submit([transfer]);
    const id = world.tool.idOf(transfer.attempt);
    expect(world.fake.priorityOf(id)).toBe(1);
    await world.tool.prioritise([id], 0);
    expect(world.fake.priorityOf(id)).toBe(5);
  });
});
