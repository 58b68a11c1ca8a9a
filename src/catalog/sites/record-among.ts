import { join } from '../../domain/journal/join.ts';
import { type Context, contextAfter, mergeContexts } from '../../domain/object/dot.ts';
import { compareHybrid, type HybridTime } from '../../domain/object/hybrid-clock.ts';
import type { AmongChange, AmongOutcome } from '../../ports/conflicts.ts';
import { findFreezingDatasets, frozenProblem } from '../collections/obstacles.ts';
import { encodeContent, encodeOperation } from '../content.ts';
import { keysOf, lockObjects } from '../record/find-objects.ts';
import { giveDots } from '../record/give-dots.ts';
import { noticeContent } from '../rules/notice-content.ts';
import { followObjects, watchObjects } from '../rules/watch-objects.ts';
import type { Session, SetStatement } from '../session.ts';
import { keepOperations } from '../verbs/operations.ts';
import { appendEntries } from './append-entries.ts';
import { passBy } from './lives.ts';
import { identityOf, type JoinedObject, seeJoined, type SeenVersion } from './see-joined.ts';
import { writeJoined } from './write-joined.ts';

const findMade: SetStatement = {
  columns: { object: 'int', operation: 'bytes' },
  text: (rows) =>
    `select v.id from ${rows} join version v on v.superseded = 1 and v.object = r.object and v.operation = r.operation`,
};

/** A write among versions that did not see each other: joined as if it had arrived. Rows are locked as all writers lock them. */
export async function recordAmong(session: Session, change: AmongChange): Promise<AmongOutcome> {
  await lockObjects(session, [change]);
  const watched = await watchObjects(session, [change]);
  const [object] = await seeJoined(session, [change]);
  if (object === undefined) return { kind: 'changed' };
  const operation = encodeOperation(change.operation);
  const hex = Buffer.from(operation).toString('hex');
  const made =
    object.versions.find((one) => one.operation === hex)?.id ??
    (await session.all<[number]>(findMade, [[object.id, operation]]))[0]?.[0];
  if (made !== undefined) return { kind: 'repeated', versionId: made };
  const seen = new Set(change.sees);
  if (seen.size !== object.versions.length || object.versions.some(({ id }) => !seen.has(id)))
    return { kind: 'changed' };
  if (change.content.kind === 'object') {
    const frozen = (await findFreezingDatasets(session, [object.id])).get(0) ?? [];
    if (frozen.length > 0)
      return { kind: 'refused', problems: frozen.map((dataset) => frozenProblem(change, dataset)) };
  }
  const versionId = await write(session, change, object, operation);
  if (watched.hasRules) {
    const found = { id: object.id, current: { kind: object.current.kind } };
    await noticeContent(session, [
      { encoded: { change, content: [encodeContent(change.content)[0]] as const }, found },
    ]);
  }
  await followObjects(session, watched);
  await keepOperations(session, change.outcome === undefined ? [] : [change.outcome]);
  return { kind: 'recorded', versionId };
}

async function write(
  session: Session,
  change: AmongChange,
  object: JoinedObject,
  operation: Uint8Array,
): Promise<number> {
  const followed = object.versions.filter(({ id }) => change.follows.includes(id));
  await passBy(
    session,
    object.versions.filter((one) => !followed.includes(one)),
  );
  const context = followed.reduce<Context>((all, one) => mergeContexts(all, contextAfter(one)), {});
  const [given] = await giveDots(session, [{ ...before(object), context }]);
  if (given === undefined) throw new Error('a write got no number');
  const content = encodeContent(change.content);
  const [kind, size, , contentType, metadata] = content;
  const sha256 = change.content.kind === 'object' ? (change.content.sha256?.toLowerCase() ?? null) : null;
  const version: SeenVersion = {
    id: 0,
    kind,
    dot: { actor: String(given.actor), counter: given.counter },
    context,
    time: given.time,
    origin: session.known.siteId,
    operation: Buffer.from(operation).toString('hex'),
    identity: identityOf({ kind, size, sha256, contentType, metadata }),
    isTombstone: change.content.kind === 'tombstone',
  };
  const joined = join(object.versions, version);
  if (joined.kind !== 'joined') throw new Error(`a write of one's own is ${joined.kind}`);
  const [id = 0] = await session.engine.takeIds(session, 1);
  const { copy } = change;
  await writeJoined(session, [
    { named: change, version, content, operation, copy, object, versions: joined.versions, id },
  ]);
  const [[scope] = [0]] = await keysOf(session, [change]);
  const { actor, counter, slot } = given;
  await appendEntries(session, slot, [{ kind, actor, counter, scope, object: object.id, version: id, operation }]);
  return id;
}

/** Later than all there is: what was written last is what is served, though it follows only some of it. */
function before({ versions, current }: JoinedObject): Parameters<typeof giveDots>[1][number] & object {
  const time = versions.reduce<HybridTime>(
    (last, one) => (compareHybrid(one.time, last) > 0 ? one.time : last),
    current.time,
  );
  const nothing = { kind: 0, size: 0, sha256: null, contentType: null, metadata: null };
  return { ...nothing, id: current.id, operation: current.operation, dot: current.dot, context: {}, time };
}
