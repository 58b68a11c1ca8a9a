import { PLACED, RELEASED, stateCode, TO_PURGE } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import type { Claims } from './claims.ts';
import { cancelCopiesOfRules } from './copy-requests.ts';
import type { SeenReplica } from './seen.ts';
import { hasNoBytes } from './watch-objects.ts';

/** A lock that goes. */
export interface Release {
  readonly object: number;
  readonly store: number;
  readonly rule: number;
  /** What only it claimed goes at once. */
  readonly purge: boolean;
}

/** `rule`: whose lock goes. Profiles claim what they mirror for as long as they name the store. */
const UNCLAIMED = `not exists (select 1 from lock l where l.object = r.object and l.store = r.store and l.rule <> r.rule)
  and not exists (select 1 from standing_rule s
    where s.origin = 'profile' and s.scope = o.scope and s.store = r.store and s.ended_ms is null)`;

const findUnclaimed: SetStatement = {
  columns: { i: 'int', object: 'int', store: 'int', rule: 'int' },
  text: (rows) => `select r.i, o.current from ${rows} join object o on o.id = r.object where ${UNCLAIMED}`,
};

const findPlaced: SetStatement = {
  columns: { i: 'int', object: 'int', store: 'int' },
  text: (rows) =>
    `select r.i, p.version, p.state, case when p.token is null then 0 else 1 end, p.placed, p.place, v.size, q.reason
     from ${rows} join replica p on p.object = r.object and p.store = r.store join version v on v.id = p.version
       left join request q on q.version = p.version and q.store = p.store and q.kind = 'copy' and q.state <> 'CANCELLED'
     where p.placed = ${PLACED}`,
};

type PlacedRow = readonly [number, number, number, number, number, string | null, number, string | null];

/**
 * What nobody claims any more when these locks are gone is released; copies under way for nobody are withdrawn with their requests
 * (docs/states.md, "Rules"). The objects' rows are locked by the caller, and the locks not yet removed.
 */
export async function releaseClaims(session: Session, releases: readonly Release[], claims: Claims): Promise<void> {
  const unclaimed = await session.all<[at: number, current: number]>(
    findUnclaimed,
    releases.map(({ object, store, rule }, i) => [i, object, store, rule]),
  );
  const placed = await session.all<PlacedRow>(
    findPlaced,
    unclaimed.map(([at]) => [at, releases[at]?.object ?? 0, releases[at]?.store ?? 0]),
  );
  const withdrawn: SeenReplica[] = [];
  for (const [at, version, state, hasToken, mark, place, bytes, reason] of placed) {
    const { object, store, purge } = releases[at] as Release;
    const replica: SeenReplica = {
      object,
      store,
      version,
      state,
      hasToken: hasToken === 1,
      placed: mark,
      place,
      bytes,
    };
    if (!hasNoBytes(replica)) claims.place(replica, purge ? TO_PURGE : RELEASED);
    // What somebody else asked for is theirs.
    else if (state === stateCode('UNAVAILABLE') || reason === 'rule' || reason === 'upload') withdrawn.push(replica);
  }
  await claims.withdraw(session, withdrawn);
  await cancelCopiesOfRules(
    session,
    unclaimed.map(([at, current]) => [current, releases[at]?.store ?? 0]),
    'no rule wants it any more',
  );
}
