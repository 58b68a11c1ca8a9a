import type { StuckReason } from '../../domain/rule/stuck-reason.ts';
import { isHelpedBy } from '../../domain/rule/stuck-reason.ts';
import { lockCode } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';

const HELPED = (['no-source', 'sources-fail'] satisfies StuckReason['kind'][]).filter((kind) =>
  isHelpedBy(kind, 'source-appeared'),
);

const wake: SetStatement = {
  columns: { object: 'int' },
  text: (rows, { nowMs }) =>
    `update lock set retry_ms = ${nowMs} from ${rows} where lock.object = r.object and lock.state = ${lockCode('STUCK')}
       and lock.reason in (${HELPED.map((kind) => `'${kind}'`).join(', ')}) and lock.retry_ms > ${nowMs}`,
};

/** These objects have a copy that they had not: who is stuck for want of one is tried again. */
export async function wakeForSource(session: Session, objects: readonly number[]): Promise<void> {
  await session.run(
    wake,
    objects.map((object) => [object]),
  );
}
