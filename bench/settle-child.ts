import { once } from 'node:events';
import { PgBoss } from 'pg-boss';
import { openPostgresCatalog } from '../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../src/catalog/open-sqlite.ts';
import { boundHeap } from '../src/cli/bound-heap.ts';
import type { Catalog } from '../src/ports/catalog.ts';
import { RulesWorld } from './rules-world.ts';
import type { SettleInit, Settled } from './settle-with.ts';

/** Requests of one claim, and outcomes of one transaction; jobs of one fetch, and of one completion. */
const BATCH = 500;

boundHeap();
process.once('message', (init: SettleInit) => void serve(init));

/** Opens what it works on, says so, and begins with the next message. */
async function serve(init: SettleInit): Promise<void> {
  const settle = await open(init);
  const begun = once(process, 'message');
  process.send?.('open');
  await begun;
  const count = await settle(init.requests);
  const settled: Settled = { count, peakBytes: process.resourceUsage().maxRSS * 1024 };
  process.send?.(settled, undefined, undefined, () => process.exit(0));
}

function open(init: SettleInit): Promise<(requests: number) => Promise<number>> {
  switch (init.kind) {
    case 'sqlite':
      return openSqliteCatalog({ path: init.location }).then((catalog) => settler(catalog, init));
    case 'postgres':
      return openPostgresCatalog({ url: init.location }).then((catalog) => settler(catalog, init));
    case 'pg-boss':
      return openBoss(init);
  }
}

function settler(catalog: Catalog, { directory, isLimited }: SettleInit): (requests: number) => Promise<number> {
  const world = new RulesWorld(directory);
  const within = isLimited ? ({ work: 'rule-copies', limits: world.limits } as const) : {};
  const claim = { owner: `worker ${process.pid}`, leaseMs: 60_000, ...within };
  return async (requests) => {
    let count = 0;
    while (count < requests) {
      const claimed = await catalog.claimRequests({ ...claim, limit: Math.min(BATCH, requests - count) });
      if (claimed.length === 0) break;
      const held = await catalog.settleTransfers(claimed.map((request) => world.arrival(request)));
      if (held.includes(false)) throw new Error('a lease was lost');
      count += claimed.length;
    }
    return count;
  };
}

/** The same number of jobs; nothing is learnt of what they brought. */
async function openBoss({ location, queue }: SettleInit): Promise<(requests: number) => Promise<number>> {
  const boss = new PgBoss({ connectionString: location, max: 1, supervise: false, schedule: false });
  await boss.start();
  return async (requests) => {
    let count = 0;
    while (count < requests) {
      const fetched = await boss.fetch(queue, { batchSize: Math.min(BATCH, requests - count) });
      if (fetched.length === 0) break;
      await boss.complete(
        queue,
        fetched.map(({ id }) => id),
      );
      count += fetched.length;
    }
    return count;
  };
}
