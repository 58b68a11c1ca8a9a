import { type TransferLimits, TransfersInHand } from '../../domain/transfer/transfer-limits.ts';
import type { SourceChosen, SourcesWanted } from '../../ports/transfer-limits.ts';
import { closeBarrier } from '../barrier.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { chooseSources } from './choose-sources.ts';
import { putIntoLanes } from './lanes.ts';
import { readTransfersInHand } from './transfers-in-hand.ts';

interface HeldRequest {
  readonly id: number;
  readonly store: number;
  readonly source: number | null;
  readonly activity: string;
  readonly priority: number;
}

const findHeld: SetStatement = {
  columns: { i: 'int', id: 'int', token: 'int' },
  text: (rows) =>
    `select r.i, q.id, q.store, case when q.lane is null then null else q.source end, q.activity, q.priority
     from ${rows} join request q on q.id = r.id where q.token = r.token and q.state = 'SUBMITTED'`,
};

/** As one that is held back: it stays where it is in the queue, and nothing is counted. */
const giveBack: SetStatement = {
  columns: { id: 'int', token: 'int', source: 'int', why: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = 'WAITING', owner = null, source = r.source, last_error = r.why, due_ms = ${nowMs},
       updated_ms = ${nowMs}, attempts = case when request.attempts > 0 then request.attempts - 1 else 0 end
     from ${rows} where request.id = r.id and request.token = r.token and request.state = 'SUBMITTED'`,
};

export async function chooseSourcesWithin(
  session: Session,
  wanted: readonly SourcesWanted[],
  limits: TransferLimits,
): Promise<readonly SourceChosen[]> {
  await closeBarrier(session, 'turns');
  const held = await readHeld(session, wanted);
  const inHand = new TransfersInHand(limits, await readTransfersInHand(session));
  const { stores } = session.known;
  const placeOf = (id: number): Promise<string> => stores.textOf(session, id);
  // They are at their destinations' already; what these read from before says nothing of what they read from next.
  for (const { store, source } of held.values()) {
    if (source !== null) inHand.add({ store: await placeOf(store), source: await placeOf(source) }, -1);
    if (source !== null) inHand.add({ store: await placeOf(store), source: undefined });
  }
  const answers: SourceChosen[] = wanted.map(() => ({ kind: 'lost-lease' }));
  const waiting: [SourcesWanted, HeldRequest, string, string][] = [];
  const taken: { readonly at: number; readonly which: number }[] = [];
  for (const [at, request] of held) {
    const want = wanted[at] as SourcesWanted;
    const store = await placeOf(request.store);
    const which = want.sources.findIndex(({ source }) => inHand.whyNotFrom(source, store) === undefined);
    const source = want.sources[Math.max(0, which)]?.source ?? '';
    if (which >= 0) {
      inHand.add({ source, store });
      inHand.add({ source: undefined, store }, -1);
      taken.push({ at, which });
    } else {
      const why = inHand.whyNotFrom(source, store) ?? '';
      waiting.push([want, request, source, why]);
      answers[at] = { kind: 'waits', why };
    }
  }
  const chosen = await chooseSources(
    session,
    taken.map(({ at, which }) => {
      const { lease, sources } = wanted[at] as SourcesWanted;
      const { source, protocol } = sources[which] as SourcesWanted['sources'][number];
      return { lease, source, protocol };
    }),
  );
  for (const [i, { at, which }] of taken.entries()) if (chosen[i] === true) answers[at] = { kind: 'chosen', at: which };
  await letWait(session, waiting);
  return answers;
}

async function readHeld(session: Session, wanted: readonly SourcesWanted[]): Promise<ReadonlyMap<number, HeldRequest>> {
  const rows = await session.all<
    [at: number, id: number, store: number, source: number | null, activity: string | null, priority: number]
  >(
    findHeld,
    wanted.map(({ lease }, at) => [at, lease.requestId, lease.token]),
  );
  const held = rows.toSorted(([a], [b]) => a - b);
  return new Map(
    held.map(([at, id, store, source, activity, priority]) => [
      at,
      { id, store, source, activity: activity ?? '', priority },
    ]),
  );
}

async function letWait(
  session: Session,
  waiting: readonly (readonly [SourcesWanted, HeldRequest, source: string, why: string])[],
): Promise<void> {
  const ids = await session.known.stores.requireIds(
    session,
    waiting.map(([, , source]) => source),
  );
  const rows = waiting.map(([{ lease }, , source, why]): SqlValue[] => [
    lease.requestId,
    lease.token,
    ids.get(source) ?? 0,
    why,
  ]);
  await session.run(giveBack, rows);
  await putIntoLanes(
    session,
    waiting.map(([, request, source]) => ({ ...request, source: ids.get(source) ?? 0 })),
  );
}
