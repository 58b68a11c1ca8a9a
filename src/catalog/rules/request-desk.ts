import type { RequestCancelled } from '../../ports/catalog-requests.ts';
import { lockCode, stateCode } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { IS_HANDED_OVER } from './handed-over.ts';

/** What is still being deleted at the place of a copy goes first. */
const IS_FREE = `not exists (select 1 from replica p where p.object = request.object and p.store = request.store
  and p.version = request.version and p.state = ${stateCode('BEING_DELETED')})`;

const hurry: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs},
       attempts = case when request.due_ms is null then 0 else request.attempts end,
       external_id = case when request.state = 'WAITING' and ${IS_HANDED_OVER} then null else request.external_id end
     from ${rows} where request.id = r.id and ((request.state in ('QUEUED', 'WAITING') and ${IS_FREE})
       or (request.state in ('FAILED', 'CANCELLED') and request.activity is null))
     returning request.id`,
};

const findGivenUp: SetStatement = {
  columns: { id: 'int' },
  text: (rows) =>
    `select distinct q.id, q.object, q.store from ${rows} join request q on q.id = r.id
     join lock l on l.object = q.object and l.store = q.store and l.state = ${lockCode('STUCK')}
     where q.state in ('FAILED', 'NO_SOURCES')`,
};

const hurryLocks: SetStatement = {
  columns: { id: 'int', object: 'int', store: 'int' },
  text: (rows, { nowMs }) =>
    `update lock set retry_ms = ${nowMs} from ${rows}
     where lock.object = r.object and lock.store = r.store and lock.state = ${lockCode('STUCK')}`,
};

export async function askAgain(session: Session, requestIds: readonly number[]): Promise<readonly boolean[]> {
  const rows = requestIds.map((id) => [id]);
  const hurried = await session.all<[number]>(hurry, rows);
  const givenUp = await session.all<[id: number, object: number, store: number]>(findGivenUp, rows);
  await session.run(hurryLocks, givenUp);
  const ids = new Set([...hurried, ...givenUp].map(([id]) => id));
  return requestIds.map((id) => ids.has(id));
}

const letGoAt: SetStatement = {
  columns: { store: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs} from ${rows}
     where request.state = 'WAITING' and request.store = r.store and ${IS_FREE} returning request.id`,
};

/** Copies to a store that were held back are looked at again. */
export async function letWaitingGo(session: Session, store: number): Promise<number> {
  return (await session.all<[number]>(letGoAt, [[store]])).length;
}

const letAllGoAt: SetStatement = {
  columns: { store: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs} from ${rows}
     where request.state in ('WAITING', 'QUEUED') and request.store = r.store
       and (request.kind = 'delete' or ${IS_FREE}) returning request.id`,
};

/** Copies to a store and deletes there are tried now, whatever they wait for. */
export async function letAllGo(session: Session, store: number): Promise<number> {
  return (await session.all<[number]>(letAllGoAt, [[store]])).length;
}

const letGoOf: SetStatement = {
  columns: { rule: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs}
     where request.state in ('WAITING', 'QUEUED') and request.due_ms > ${nowMs} and ${IS_FREE}
       and (request.object, request.store) in (
         select l.object, l.store from ${rows} join lock l on l.rule = r.rule and l.state = ${lockCode('REPLICATING')})
     returning request.id`,
};

/** Copies that a rule waits for are tried now. */
export async function letCopiesOfRuleGo(session: Session, rule: number): Promise<number> {
  return (await session.all<[number]>(letGoOf, [[rule]])).length;
}

const look: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { forUpdate }) =>
    `select q.id, q.kind, q.state, case when q.activity is null then 0 else 1 end from ${rows}
     join request q on q.id = r.id order by q.id ${forUpdate}`,
};

const cancel: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'CANCELLED', due_ms = null, owner = null, last_error = 'somebody cancelled it',
       updated_ms = ${nowMs}, token = request.token + 1
     from ${rows} where request.id = r.id`,
};

type LookedAt = readonly [id: number, kind: string, state: string, isOfRules: number];

export async function cancelRequests(
  session: Session,
  requestIds: readonly number[],
): Promise<readonly RequestCancelled[]> {
  const found = await session.all<LookedAt>(
    look,
    requestIds.map((id) => [id]),
  );
  const judged = new Map(found.map((row) => [row[0], judge(row)]));
  await session.run(
    cancel,
    [...judged].flatMap(([id, answer]) => (answer === 'cancelled' ? [[id]] : [])),
  );
  return requestIds.map((id) => judged.get(id) ?? 'over');
}

function judge([, kind, state, isOfRules]: LookedAt): RequestCancelled {
  if (kind === 'delete') return 'delete';
  if (isOfRules === 1 && state !== 'CANCELLED') return 'of-rules';
  return state === 'CANCELLED' ? 'over' : 'cancelled';
}
