import { PgBoss } from 'pg-boss';

const QUEUE = 'copies';
/** Jobs of one insert. */
const INSERT = 1_000;

export interface JobsRun {
  readonly jobs: number;
  /** Each with a connection of its own. */
  readonly clients: number;
  /** Jobs of one fetch, and of one completion. */
  readonly batch: number;
}

/** Requests as jobs of pg-boss: seconds from the first fetch until all are completed. Nothing is learnt of what they brought. */
export async function completeWithPgBoss(
  url: string,
  { jobs, clients, batch }: JobsRun,
  stopwatch: (work: () => Promise<unknown>) => Promise<number>,
): Promise<number> {
  const options = { connectionString: url, max: 1, supervise: false, schedule: false };
  const bosses = Array.from({ length: clients }, () => new PgBoss(options));
  try {
    for (const boss of bosses) await boss.start();
    const [first] = bosses as [PgBoss, ...PgBoss[]];
    await first.createQueue(QUEUE);
    for (let from = 0; from < jobs; from += INSERT) {
      const data = Array.from({ length: Math.min(INSERT, jobs - from) }, (_, at) => describeJob(from + at));
      await first.insert(
        QUEUE,
        data.map((one) => ({ data: one })),
      );
    }
    let completed = 0;
    const took = await stopwatch(() =>
      Promise.all(
        bosses.map(async (boss) => {
          for (;;) {
            const fetched = await boss.fetch(QUEUE, { batchSize: batch });
            if (fetched.length === 0) return;
            await boss.complete(
              QUEUE,
              fetched.map(({ id }) => id),
            );
            completed += fetched.length;
          }
        }),
      ),
    );
    if (completed !== jobs) throw new Error(`pg-boss completed ${completed} of ${jobs} jobs`);
    return took;
  } finally {
    for (const boss of bosses) await boss.stop({ graceful: false });
  }
}

function describeJob(at: number) {
  return { scope: 'bench', name: `object-${at}`, versionId: at, store: 'file:///data/one' };
}
