import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exchangeRaw, ServerProcess } from './server-process.ts';

const KILLS = process.env['PANDO_SOAK'] === '1' ? 50 : 5;
const WRITERS = 16;

/** What clients did, and what they were told. */
class Load {
  /** Name to the text that was acknowledged last. */
  readonly acknowledged = new Map<string, string>();
  /** Name to texts that were sent and never answered. */
  readonly open = new Map<string, Set<string>>();
  readonly statuses = new Map<number, number>();
  #count = 0;

  /** Each writer has names of its own, so that what it was told last is what is there. */
  async run(server: ServerProcess, writer: number, isOver: () => boolean): Promise<void> {
    for (let at = 0; !isOver(); at++) {
      const name = `w${writer}/o${at % 20}`;
      const text = `${name} ${this.#count++} ${'x'.repeat(at % 5 === 0 ? 400_000 : 200)}`;
      const sent = this.open.get(name) ?? new Set();
      this.open.set(name, sent.add(text));
      try {
        const response = await server.put(`/k/${name}`, text);
        await response.arrayBuffer();
        this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
        if (response.status !== 200) continue;
        this.acknowledged.set(name, text);
        this.open.delete(name);
      } catch {
        return;
      }
    }
  }

  /** What is wrong with what is there. */
  async differences(server: ServerProcess): Promise<string[]> {
    const wrong: string[] = [];
    const names = new Set([...this.acknowledged.keys(), ...this.open.keys()]);
    for (const name of names) {
      const there = await server.text(`/k/${name}`);
      const may = [this.acknowledged.get(name), ...(this.open.get(name) ?? [])];
      if (!may.includes(there)) wrong.push(`${name}: ${there?.slice(0, 40)} (${there?.length})`);
      else if (there !== undefined) this.acknowledged.set(name, there);
      this.open.delete(name);
    }
    return wrong;
  }
}

describe('a server that is killed while it takes objects', () => {
  it(`has all it acknowledged, whole, and nothing half, ${KILLS} times`, { timeout: KILLS * 30_000 }, async () => {
    const load = new Load();
    let server = await ServerProcess.start();
    const { root } = server;
    await using first = server;
    for (let kill = 0; kill < KILLS; kill++) {
      let isOver = false;
      const running = Promise.all(
        Array.from({ length: WRITERS }, (_, writer) => load.run(server, writer, () => isOver)),
      );
      const before = load.acknowledged.size;
      await expect
        .poll(() => load.acknowledged.size, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(before === 0 ? 20 : before);
      await new Promise((done) => setTimeout(done, 100 + ((kill * 137) % 500)));
      await server.end('SIGKILL');
      isOver = true;
      await running;
      server = await ServerProcess.start({ root });
      expect(await load.differences(server)).toEqual([]);
      const listed = await server.fetch('/k?max-keys=1000');
      const { objects } = (await listed.json()) as { objects: { name: string; size: number }[] };
      for (const { name, size } of objects) expect(size, name).toBe(load.acknowledged.get(name)?.length);
    }
    expect(load.acknowledged.size).toBeGreaterThan(20);
    expect([...load.statuses.keys()]).toEqual([200]);
    await server.end('SIGTERM');
    expect(first.root).toBe(root);
  });
});

describe('a server that is told to stop', () => {
  it('under load answers what it has taken, loses nothing it acknowledged, and ends with 0', async () => {
    await using server = await ServerProcess.start();
    const load = new Load();
    let isOver = false;
    const running = Promise.all(Array.from({ length: WRITERS }, (_, writer) => load.run(server, writer, () => isOver)));
    await expect.poll(() => load.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(40);
    expect(await server.end('SIGTERM')).toBe(0);
    isOver = true;
    await running;
    expect([...load.statuses.keys()]).toEqual([200]);
    await using again = await ServerProcess.start({ root: server.root });
    expect(await load.differences(again)).toEqual([]);
  });

  it('ends in bounded time, though a client sends for ever', async () => {
    await using server = await ServerProcess.start();
    const head = 'PUT /k/endless HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
    const trickle = Array.from({ length: 600 }, () => '1\r\nx\r\n');
    const endless = exchangeRaw(server.port, [head, ...trickle], { pauseMs: 50, silentMs: 60_000 });
    await expect
      .poll(async () => (await (await server.fetch('/metrics')).text()).match(/http_requests_under_way (\d+)/)?.[1])
      .toBe('2');
    const startedMs = Date.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(Date.now() - startedMs).toBeLessThan(20_000);
    await endless;
    await using again = await ServerProcess.start({ root: server.root });
    expect(await again.text('/k/endless')).toBeUndefined();
  });

  it('leaves nothing staged', async () => {
    await using server = await ServerProcess.start();
    await server.put('/k/a', randomBytes(300_000));
    await server.end('SIGTERM');
    const staging = join(server.root, 'data/objects/.pando');
    expect(readdirSync(staging, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())).toEqual([]);
  });
});
