import type { TransferOutcome } from '../../ports/rules.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

const HOUR_MS = 3_600_000;

const add: SetStatement = {
  columns: { source: 'int', target: 'int', succeeded: 'int', failed: 'int', bytes: 'int', busy_ms: 'int' },
  text: (rows, { nowMs }) =>
    `insert into route_result (source, target, hour, succeeded, failed, bytes, busy_ms)
     select r.source, r.target, ${nowMs} / ${HOUR_MS}, r.succeeded, r.failed, r.bytes, r.busy_ms from ${rows} where true
     on conflict (source, target, hour) do update set succeeded = route_result.succeeded + excluded.succeeded,
       failed = route_result.failed + excluded.failed, bytes = route_result.bytes + excluded.bytes,
       busy_ms = route_result.busy_ms + excluded.busy_ms`,
};

interface RouteSum {
  succeeded: number;
  failed: number;
  bytes: number;
  busyMs: number;
}

/** Sums what attempts say of their routes, by hour. */
export async function keepRoutes(
  session: Session,
  settled: readonly {
    readonly outcome: TransferOutcome;
    readonly source: number | undefined;
    readonly store: number;
  }[],
): Promise<void> {
  const routes = new Map<string, RouteSum>();
  for (const { outcome, source: chosen, store } of settled) {
    const { attempt, bytes, busyMs } = outcome;
    if (attempt?.outcome !== 'arrived' && attempt?.outcome !== 'failed') continue;
    const source =
      attempt.source === undefined ? chosen : await session.known.stores.requireId(session, attempt.source);
    if (source === undefined) continue;
    const sum = routes.get(`${source} ${store}`) ?? { succeeded: 0, failed: 0, bytes: 0, busyMs: 0 };
    routes.set(`${source} ${store}`, sum);
    if (attempt.outcome === 'arrived') sum.succeeded += 1;
    else sum.failed += 1;
    sum.bytes += bytes;
    sum.busyMs += Math.ceil(busyMs);
  }
  await session.run(
    add,
    [...routes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([route, { succeeded, failed, bytes, busyMs }]): SqlValue[] => [
        ...route.split(' ').map(Number),
        succeeded,
        failed,
        bytes,
        busyMs,
      ]),
  );
}
