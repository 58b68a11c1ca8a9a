import { PgBoss } from 'pg-boss';

export const PG_BOSS_QUEUE = 'copies';
/** Jobs of one insert. */
const INSERT = 1_000;

/** Requests as jobs of pg-boss. */
export async function queueWithPgBoss(url: string, jobs: number): Promise<void> {
  const boss = new PgBoss({ connectionString: url, max: 1, supervise: false, schedule: false });
  try {
    await boss.start();
    await boss.createQueue(PG_BOSS_QUEUE);
    for (let from = 0; from < jobs; from += INSERT) {
      const data = Array.from({ length: Math.min(INSERT, jobs - from) }, (_, at) => describeJob(from + at));
      await boss.insert(
        PG_BOSS_QUEUE,
        data.map((one) => ({ data: one })),
      );
    }
  } finally {
    await boss.stop({ graceful: false });
  }
}

function describeJob(at: number) {
  return { scope: 'bench', name: `object-${at}`, versionId: at, store: 'file:///data/one' };
}
