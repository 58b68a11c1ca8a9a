import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { INBOX, RuleWorld, STORES, UPLOADS } from './rule-world.ts';
import type { WorkerProcess } from './worker-process.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const KILLS = soak ? 50 : 5;
/** Of each round. */
const FILES = soak ? 60 : 10;
const WRITES = soak ? 8 : 5;
/** So late at most that work of all kinds is met, and so seldom that it gets on. */
const WAIT_MS_MAX = soak ? 3_000 : 1_000;
/** The machine may be busy with other things. */
const LONG = { timeout: (soak ? 60 : 3) * 60_000 };

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const ENGINES = { SQLite: async () => undefined, PostgreSQL: () => server.createDatabase() };

/** From some bytes to a page of its own; no two alike, so that a copy in another's place is noticed. */
function bytesOf(round: number, at: number): Buffer {
  const size = at === 0 && round % 4 === 0 ? 9 * 1024 * 1024 : at % 20 === 3 ? 700_000 : 15 + ((at * 37) % 9_000);
  return Buffer.alloc(size, `${round} ${at} `);
}

/** All that users do at once while rules are carried out: uploads, writes, deletes, rules that come, change and go. */
class Users {
  readonly #world: RuleWorld;
  /** Rules over the datasets that were uploaded, oldest first. */
  readonly #rules: number[] = [];
  #everything: number | undefined;
  #round = 0;

  constructor(world: RuleWorld) {
    this.#world = world;
  }

  async act(): Promise<void> {
    const round = this.#round++;
    const world = this.#world;
    this.#everything ??= await world.addRule(`${INBOX}:*`, 1, ['b', 'c'], () => [...world.inbox.keys()]);
    await Promise.all([this.#upload(round), this.#write(round), this.#changeRules(round)]);
  }

  async #upload(round: number): Promise<void> {
    const dataset = `run-${round}`;
    const names = Array.from({ length: FILES }, (_, at) => `${dataset}/${at}`);
    const files = Object.fromEntries(names.map((name, at) => [name, bytesOf(round, at)]));
    await this.#world.upload(dataset, STORES[round % 3] as string, files);
    this.#rules.push(await this.#world.addRule(`${UPLOADS}:${dataset}`, 2, STORES, () => names));
  }

  async #write(round: number): Promise<void> {
    for (let at = 0; at < WRITES; at++)
      await this.#world.put(`d${at % 3}/f${(round * 5 + at) % 40}`, bytesOf(round, 100 + at));
    for (const name of [...this.#world.inbox.keys()].slice(0, round === 0 ? 0 : 3)) await this.#world.remove(name);
  }

  async #changeRules(round: number): Promise<void> {
    const [first] = this.#rules;
    if (this.#everything !== undefined) await this.#world.setCopies(this.#everything, 1 + (round % 2));
    if (first === undefined) return;
    if (round % 2 === 0) await this.#world.setCopies(first, 3);
    else await this.#world.endRule(this.#rules.shift() as number);
  }
}

/** Kills one that has something in hand, in the middle of what users do; undefined: none had any more when they were done. */
async function killOne(
  world: RuleWorld,
  users: Users,
  running: readonly WorkerProcess[],
): Promise<WorkerProcess | undefined> {
  let isOver = false;
  const acting = users.act().finally(() => (isOver = true));
  const killing = async (): Promise<WorkerProcess | undefined> => {
    await sleep(Math.random() * WAIT_MS_MAX);
    for (;;) {
      const wasOver = isOver;
      for (const worker of running) {
        if ((await world.inHand(worker.pid)) === 0) continue;
        expect(await worker.end('SIGKILL')).toBe('SIGKILL');
        return worker;
      }
      if (wasOver) return undefined;
      await sleep(5);
    }
  };
  const [killed] = await Promise.all([killing(), acting]);
  return killed;
}

async function expectHealed(world: RuleWorld): Promise<void> {
  await world.retryStuck();
  await world.workUntilIdle();
  await world.expectAsAsked();
}

describe.each(['SQLite', 'PostgreSQL'] as const)('kill -9 on %s', (engine) => {
  test(
    `of a worker at ${KILLS} random moments while it carries out rules: nothing lost, nothing doubled, nothing left behind`,
    LONG,
    async () => {
      await using world = new RuleWorld(await ENGINES[engine]());
      const users = new Users(world);
      for (let kills = 0; kills < KILLS; ) {
        await using worker = await world.worker().ready();
        if ((await killOne(world, users, [worker])) !== undefined) kills++;
      }
      await expectHealed(world);
    },
  );
});

test(
  `kill -9 of one of four workers on PostgreSQL, ${KILLS} times, each with another in its place: the same`,
  LONG,
  async () => {
    await using world = new RuleWorld(await server.createDatabase());
    const users = new Users(world);
    await using workers = new AsyncDisposableStack();
    const start = () => workers.use(world.worker()).ready();
    let running: readonly WorkerProcess[] = await Promise.all([start(), start(), start(), start()]);
    for (let kills = 0; kills < KILLS; ) {
      const killed = await killOne(world, users, running);
      if (killed === undefined) continue;
      kills++;
      running = [...running.filter((worker) => worker !== killed), await start()];
    }
    expect(await Promise.all(running.map((worker) => worker.end('SIGTERM')))).toEqual([0, 0, 0, 0]);
    await expectHealed(world);
  },
);
