import { mayBeGood } from '../../domain/replica/lost.ts';
import { stateCode, stateName, TARGET_OBJECT, TO_PURGE, TOMBSTONE } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { type SeenObject, type SeenReplica, seeObjects, seeReplicas } from './seen.ts';
import { tellContentChanged } from './tell-rule.ts';

/** An object that is authoritative elsewhere from now on. */
export interface Passing {
  readonly object: SeenObject;
  readonly to: number;
  /** It was authoritative with this version before: what was lost is told. */
  readonly isLoss: boolean;
}

const POLICY_OF = (object: string) => `rule_target k join rule u on u.id = k.rule and u.besides_authoritative = 1
  and u.ended_ms is null and k.kind = ${TARGET_OBJECT} and k.target = ${object}`;

/** SQL expression: 1 where the replica called `p` is of the current version of the object called `o`, at the store where that is authoritative. */
export const IS_AUTHORITATIVE = `case when p.version = o.current and p.store = coalesce(
  (select t.authority from object_trait t where t.object = o.id), (select s.source from scope s where s.id = o.scope)) then 1 else 0 end`;

/** SQL expression: 1 where a policy counts the copies of the object called `o`, and not the authoritative one. */
export const HAS_POLICY = `case when exists (select 1 from ${POLICY_OF('o.id')}) then 1 else 0 end`;

/**
 * Where nothing is left of the authoritative copy that could be good, the oldest good one takes its place (docs/policies.md, "The
 * authoritative copy"). When a copy became good is not kept: the store that the catalog knows longest has it, and what is to go at once
 * comes last. `replicas` and `before` are the object's own.
 */
export function findPassing(
  object: SeenObject,
  replicas: readonly SeenReplica[],
  before: readonly SeenReplica[],
): Passing | undefined {
  if (object.kind === TOMBSTONE) return undefined;
  const current = replicas.filter(({ version }) => version === object.current);
  const isThere = ({ state, hasToken }: SeenReplica) => mayBeGood({ state: stateName(state), hasBytes: hasToken });
  if (current.some((one) => one.store === object.authority && isThere(one))) return undefined;
  const good = current.filter(({ store, state }) => store !== object.authority && state === stateCode('AVAILABLE'));
  const staying = good.filter(({ placed }) => placed !== TO_PURGE);
  const heirs = staying.length > 0 ? staying : good;
  if (heirs.length === 0) return undefined;
  const isLoss = before.some(({ store, version }) => store === object.authority && version === object.current);
  if (!isLoss && !object.hasAuthority) return undefined;
  return { object, to: Math.min(...heirs.map(({ store }) => store)), isLoss };
}

/** As `followObjects` does for what it watched. The objects' rows are locked by the caller. */
export async function passAuthorityOf(session: Session, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  const replicas = Map.groupBy(await seeReplicas(session, ids), ({ object }) => object);
  const passings = (await seeObjects(session, ids)).flatMap((object) => {
    const here = replicas.get(object.id) ?? [];
    return findPassing({ ...object, hasAuthority: true }, here, here) ?? [];
  });
  await passAuthority(session, passings);
}

const pass: SetStatement = {
  columns: { object: 'int', store: 'int' },
  text: (rows) =>
    `insert into object_trait (object, format, rights_holder, authority) select r.object, null, null, r.store from ${rows} where true
     on conflict (object) do update set authority = excluded.authority`,
};

const findPolicies: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `select k.rule from ${rows} cross join ${POLICY_OF('r.object')}`,
};

/** Their policies are applied again, so that their copies are counted besides the new one. */
export async function passAuthority(session: Session, passings: readonly Passing[]): Promise<void> {
  if (passings.length === 0) return;
  await session.run(
    pass,
    passings.map(({ object, to }) => [object.id, to]),
  );
  await tell(
    session,
    passings.filter(({ isLoss }) => isLoss),
  );
  const rules = await session.all<[rule: number]>(
    findPolicies,
    passings.map(({ object }) => [object.id]),
  );
  await tellContentChanged(
    session,
    rules.map(([rule]) => rule),
  );
}

/** One event for all that went the same way at once: the newest are kept, and a store that is lost may have a million. */
async function tell(session: Session, passings: readonly Passing[]): Promise<void> {
  const { scopes, stores } = session.known;
  for (const ways of Map.groupBy(passings, ({ object, to }) => `${object.scope} ${object.authority} ${to}`).values()) {
    const [{ object, to }] = ways as [Passing];
    const [from, store] = [await stores.textOf(session, object.authority), await stores.textOf(session, to)];
    const what = ways.length === 1 ? 'it is' : `${ways.length} objects are`;
    const detail = `${what} authoritative at ${store} from now on: at ${from} no copy is left that could be good`;
    const named = ways.length === 1 ? { name: object.name } : {};
    const scope = await scopes.textOf(session, object.scope);
    await recordEvents(session, [{ kind: 'authority-moved', scope, ...named, store, detail }]);
  }
}
