import type { Catalog, RecordBatch, RecordOutcome } from '../../ports/catalog.ts';
import type { Executor } from '../executor.ts';
import type { Session } from '../session.ts';
import { recordBatches } from './record-batches.ts';

interface Waiting {
  readonly batch: RecordBatch;
  readonly resolve: (outcome: RecordOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The verb `record`. Up to `merged` callers that wait while one transaction runs are carried out by the next one together;
 * if it fails, each alone, so that one caller's fault is nobody else's.
 */
export function recordTogether(executor: Executor, merged: number): Catalog['record'] {
  if (merged === 1) return (batch) => recordOne(executor, batch);
  const queue: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const group = queue.splice(0, merged);
      try {
        const batches = group.map(({ batch }) => batch);
        const outcomes = await executor.tell(
          (session) => recordBatches(session, batches),
          () => batches.some(mayMakeDue),
        );
        for (const [at, waiting] of group.entries()) waiting.resolve(outcomes[at] as RecordOutcome);
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        else for (const { batch, resolve, reject } of group) await recordOne(executor, batch).then(resolve, reject);
      }
    }
    running = false;
  }

  return (batch) => {
    const { promise, resolve, reject } = Promise.withResolvers<RecordOutcome>();
    queue.push({ batch, resolve, reject });
    if (!running) {
      running = true;
      void run();
    }
    return promise;
  };
}

function recordOne(executor: Executor, batch: RecordBatch): Promise<RecordOutcome> {
  const record = async (session: Session): Promise<RecordOutcome> => {
    const [outcome] = await recordBatches(session, [batch]);
    return outcome as RecordOutcome;
  };
  return executor.tell(record, () => mayMakeDue(batch));
}

/** Rules follow what changes of objects and their copies. */
function mayMakeDue({ changes = [], replicas = [], places = [], requests = [] }: RecordBatch): boolean {
  return changes.length + replicas.length + places.length + requests.length > 0;
}
