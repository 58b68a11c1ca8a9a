import type { ObjectContent } from '../../domain/object/version.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import type { TransferRow } from '../../ports/rules.ts';
import { TOMBSTONE } from '../codes.ts';
import { readMarks } from '../verbs/read-marks.ts';
import { type ContentRow, decodeContent, decodeOperation } from '../content.ts';
import { decodeReplica, toldReplica, type ToldReplicaRow } from '../replica-row.ts';
import type { Session, SetStatement } from '../session.ts';
import { UPLOADER } from '../uploads/upload-codes.ts';
import { readAttempts } from './attempts.ts';
import { UNKNOWN_FORMAT } from './read-rule-page.ts';

const find: SetStatement = {
  columns: { i: 'int', id: 'int' },
  text: (rows, { hex }) =>
    `select r.i, o.id, q.scope, q.name, q.store, q.version, coalesce(t.format, v.content_type), ${hex('v.operation')},
       case when q.reason = 'relay' then 0 else (select coalesce(min(u.by_policy), 0) from lock l join rule u on u.id = l.rule
         where l.object = o.id and l.store = q.store) end,
       q.source, case when q.reason = 'relay' and not exists (select 1 from request w
         where w.version = q.version and w.source = q.store and w.kind = 'copy' and w.state in ('QUEUED', 'WAITING'))
         then 1 else 0 end,
       case when q.tool <> '${UPLOADER}' then q.tool end, case when q.tool <> '${UPLOADER}' then q.external_id end,
       q.protocol,
       v.kind, v.size, ${hex('v.sha256')}, v.content_type, v.metadata, cast(v.modified_ns as text), v.mode
     from ${rows} join request q on q.id = r.id join object o on o.scope = q.scope and o.name = q.name and o.current = q.version
       join version v on v.id = q.version left join object_trait t on t.object = o.id
     where o.kind <> ${TOMBSTONE}`,
};

type FoundRow = readonly [
  at: number,
  object: number,
  scope: number,
  name: string,
  store: number,
  version: number,
  format: string | null,
  operation: string,
  isByPolicy: number,
  lastSource: number | null,
  isUnawaited: number,
  tool: string | null,
  attempt: string | null,
  protocol: string | null,
  ...content: ContentRow,
];

/** How many columns come before the content's. */
const FACTS = 14;

const replicas: SetStatement = {
  columns: { i: 'int', object: 'int', boot: 'text' },
  text: (rows) =>
    `select r.i, ${toldReplica('p', 'r.boot')}
     from ${rows} join replica p on p.object = r.object`,
};

/** What an attempt at each of these requests stands on; undefined where their version is not the object's any more. */
export async function readTransfers(
  session: Session,
  requestIds: readonly number[],
): Promise<readonly (TransferRow | undefined)[]> {
  const found = await session.all<FoundRow>(
    find,
    requestIds.map((id, at) => [at, id]),
  );
  const byAt = new Map(found.map((row) => [row[0], row]));
  const copies = new Map<number, Replica[]>();
  const asked = found.map(([at, object]) => [at, object, session.known.boot]);
  for (const [at, ...row] of await session.all<readonly [at: number, ...ToldReplicaRow]>(replicas, asked)) {
    const [, , scope, name] = byAt.get(at) as FoundRow;
    const object = { scope: await session.known.scopes.textOf(session, scope), name };
    copies.set(at, [...(copies.get(at) ?? []), await decodeReplica(session, object, row)]);
  }
  const attempts = Map.groupBy(await readAttempts(session, requestIds), ({ request }) => request);
  const left = await readLeft(session, [...copies.values()].flat());
  const rows: (TransferRow | undefined)[] = [];
  for (const [at, id] of requestIds.entries()) {
    const row = byAt.get(at);
    if (row === undefined) {
      rows.push(undefined);
      continue;
    }
    const [
      ,
      ,
      ,
      name,
      storeId,
      versionId,
      format,
      operation,
      isByPolicy,
      lastSource,
      isUnawaited,
      tool,
      attempt,
      protocol,
    ] = row;
    const store = await session.known.stores.textOf(session, storeId);
    const all = copies.get(at) ?? [];
    const wanted = all.find((one) => one.store === store && one.versionId === versionId);
    const place = wanted?.place ?? name;
    const failures = (attempts.get(id) ?? []).filter(({ isEarlier }) => !isEarlier);
    rows.push({
      content: decodeContent(row.slice(FACTS) as unknown as ContentRow) as ObjectContent,
      operation: decodeOperation(operation),
      format: format ?? UNKNOWN_FORMAT,
      isByPolicy: isByPolicy === 1,
      place,
      replica: wanted?.state,
      onto: findOnto(all, { store, place, versionId }),
      leftFrom: all
        .filter((one) => one.store === store && one.place === place && one.versionId !== versionId)
        .flatMap((one) => left.get(one.versionId) ?? []),
      replicas: all,
      failures: failures.flatMap(({ failure }) => failure ?? []),
      lastSource: lastSource === null ? undefined : await session.known.stores.textOf(session, lastSource),
      isUnawaited: isUnawaited === 1,
      handedOver: tool === null || attempt === null ? undefined : { tool, attempt, protocol: protocol ?? '' },
    });
  }
  return rows;
}

/** What of the object lies where the copy is to lie: the copy itself, which turned out to be wrong, or one of another version. */
function findOnto(
  replicas: readonly Replica[],
  at: { readonly store: string; readonly place: string; readonly versionId: number },
): string | undefined {
  const there = replicas.filter(
    ({ store, place, token }) => store === at.store && place === at.place && token !== undefined,
  );
  return (there.find(({ versionId }) => versionId === at.versionId) ?? there[0])?.token;
}

/** Operations of copies that were given up after somebody had them in hand, by version. */
async function readLeft(session: Session, replicas: readonly Replica[]): Promise<ReadonlyMap<number, string>> {
  const ids = replicas.flatMap(({ state, token, versionId }) =>
    token === undefined && (state === 'UNAVAILABLE' || state === 'BEING_DELETED') ? [versionId] : [],
  );
  if (ids.length === 0) return new Map();
  const marks = await readMarks(session, ids);
  return new Map(ids.flatMap((id, at) => (marks[at] === undefined ? [] : [[id, marks[at].operation] as const])));
}
