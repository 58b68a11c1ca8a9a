/** What must hold after every transaction, asked of the database itself. Every sentence that comes back is a breach. */
export async function findBreaches(
  query: (text: string) => Promise<readonly unknown[][]>,
  {
    scope,
    account,
    places = `test:${scope}/%`,
  }: { readonly scope: string; readonly account: string; readonly places?: string },
): Promise<readonly string[]> {
  const all = invariants(scope, account, places);
  const sentences = Object.entries(all).map(([sentence, text]) => `select '${sentence}' where exists (${text})`);
  const broken = await query(sentences.join(' union all '));
  return Promise.all(
    broken.map(
      async ([sentence]) => `${String(sentence)}: ${JSON.stringify(await query(all[String(sentence)] ?? ''))}`,
    ),
  );
}

const SATISFIED = 'p.state in (2, 3)';
const LIVE = "q.kind = 'copy' and q.due_ms is not null";

function invariants(scope: string, account: string, places: string): Readonly<Record<string, string>> {
  const here = `o.scope = (select id from scope where name = '${scope}')`;
  const mine = `u.account like '${account}.%'`;
  const locks = `lock l join object o on o.id = l.object and ${here}`;
  const current = 'p.object = l.object and p.store = l.store and p.version = o.current';
  return {
    'a count is not that of the locks': `
      select u.id, u.ok, u.replicating, u.stuck, l.ok, l.replicating, l.stuck from rule u left join (
        select rule, sum(case when state = 0 then 1 else 0 end) as ok, sum(case when state = 1 then 1 else 0 end) as replicating,
          sum(case when state = 2 then 1 else 0 end) as stuck from lock group by rule) as l on l.rule = u.id
      where ${mine} and (u.ok <> coalesce(l.ok, 0) or u.replicating <> coalesce(l.replicating, 0) or u.stuck <> coalesce(l.stuck, 0))`,
    'a state is not the derived one': `
      select u.id, u.state, u.stuck, u.missing, u.replicating from rule u
      where ${mine} and u.state in ('OK', 'REPLICATING', 'STUCK') and u.state <>
        case when u.stuck > 0 or u.missing > 0 then 'STUCK' when u.replicating > 0 then 'REPLICATING' else 'OK' end`,
    'a lock is OK without its replica, or not OK with it': `
      select l.object, l.store, l.rule, l.state from ${locks}
      where (l.state = 0) <> (exists (select 1 from replica p where ${current} and ${SATISFIED}))`,
    'a lock waits for nothing': `
      select l.object, l.store, l.rule from ${locks} where l.state = 1
        and not exists (select 1 from request q where q.version = o.current and q.store = l.store and ${LIVE})`,
    'a stuck lock has no reason': `
      select l.object, l.store, l.rule from ${locks} where (l.state = 2) <> (l.reason is not null and l.since_ms is not null)`,
    'a stuck lock is never tried again': `
      select l.object, l.store, l.rule from ${locks} join rule u on u.id = l.rule
      where l.state = 2 and l.retry_ms is null and u.state <> 'SUSPENDED' and u.ended_ms is null
        and not exists (select 1 from store_absence a where a.store = l.store and a.marked > 0 and a.answered_ms is null)`,
    'a deleted object is locked': `select l.object, l.rule from ${locks} where o.kind = 1`,
    'a lock is of no rule': `
      select l.object, l.rule from ${locks} where not exists (select 1 from rule u where u.id = l.rule)`,
    'a copy is made for nobody': `
      select p.object, p.store, p.version from replica p join object o on o.id = p.object and ${here} where p.state = 1
        and not (p.version = o.current and exists (select 1 from lock l where l.object = p.object and l.store = p.store))
        and not exists (select 1 from request q where q.version = p.version and q.store = p.store and ${LIVE})`,
    'a request of rules is wanted by none': `
      select q.id, q.version, q.store from request q join object o on o.id = q.object and ${here}
      where ${LIVE} and q.reason = 'rule' and not (q.version = o.current
        and exists (select 1 from lock l where l.object = o.id and l.store = q.store and (l.state <> 0 or q.state = 'SUBMITTED')))
        and not exists (select 1 from standing_rule s where s.scope = o.scope and s.store = q.store and s.ended_ms is null)`,
    'a replica is placed for nobody': `
      select p.object, p.store, p.version from replica p join object o on o.id = p.object and ${here} where p.placed = 1
        and not exists (select 1 from lock l where l.object = p.object and l.store = p.store)
        and not exists (select 1 from standing_rule s where s.scope = o.scope and s.store = p.store and s.ended_ms is null)`,
    'an older version is kept though its lock has the current one': `
      select p.object, p.store, p.version from replica p join object o on o.id = p.object and ${here} and p.version <> o.current
      where p.placed = 1 and exists (select 1 from lock l where l.object = p.object and l.store = p.store and l.state = 0)`,
    'a locked replica is released': `
      select p.object, p.store from replica p join object o on o.id = p.object and ${here} and p.version = o.current
      where p.placed in (2, 3) and exists (select 1 from lock l where l.object = p.object and l.store = p.store)`,
    'what is on its way out is not marked so': `
      select p.object, p.store, p.placed from replica p join object o on o.id = p.object and ${here}
      where p.placed is not null and (p.placed = 4) <> (p.state = 7)`,
    'space is not the sum of the copies': `
      select s.store, s.used, s.reserved, s.leaving, s.pending, p.used, p.reserved, p.leaving, p.pending
      from store_space s join store t on t.id = s.store and t.place like '${places}' left join (
        select p.store, sum(case when ${RESERVED} then 0 else v.size end) as used, sum(case when ${RESERVED} then v.size else 0 end) as reserved,
          sum(case when p.state = 7 then v.size else 0 end) as leaving, sum(case when p.state = 1 then 1 else 0 end) as pending
        from replica p join version v on v.id = p.version where p.placed is not null group by p.store) as p on p.store = s.store
      where s.used <> coalesce(p.used, 0) or s.reserved <> coalesce(p.reserved, 0) or s.leaving <> coalesce(p.leaving, 0)
        or s.pending <> coalesce(p.pending, 0)`,
    'what an account uses is not the sum of its locks': `
      select a.account, a.store, a.bytes, a.locks, l.bytes, l.locks from account_use a left join (
        select u.account, l.store, sum(v.size) as bytes, count(*) as locks
        from lock l join rule u on u.id = l.rule join object o on o.id = l.object join version v on v.id = o.current
        where ${mine} group by u.account, l.store) as l on l.account = a.account and l.store = a.store
      where a.account like '${account}.%' and (a.bytes <> coalesce(l.bytes, 0) or a.locks <> coalesce(l.locks, 0))`,
  };
}

const RESERVED = '(p.state = 1 or (p.state = 4 and p.token is null))';
