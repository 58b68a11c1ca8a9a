import type { Adoption, FoundCopy } from '../../ports/audits.ts';
import type { NewEvent } from '../../ports/catalog.ts';
import { PLACED, RELEASED, stateCode, TOMBSTONE } from '../codes.ts';
import { type FoundObject, findObjects, lockObjects } from '../record/find-objects.ts';
import { openSoftStores } from '../record/soft-stores.ts';
import { encodeReplica, type ReplicaRow, upsertReplicas } from '../record/upsert-replicas.ts';
import { hasNoBytes, followObjects, watchThese } from '../rules/watch-objects.ts';
import { type SeenReplica, seeObjectsNamed } from '../rules/seen.ts';
import { findTaken } from '../rules/taken-places.ts';
import { keepAuthority } from '../uploads/keep-authority.ts';
import { recordEvents } from '../verbs/events.ts';
import { NO_SOURCE } from '../verbs/open-scope.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';

const place: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows, { nowMs }) =>
    `update replica set used_ms = ${nowMs},
       placed = case when exists (select 1 from lock l where l.object = r.object and l.store = r.store) then ${PLACED} else ${RELEASED} end
     from ${rows} where replica.object = r.object and replica.store = r.store and replica.version = r.version`,
};

/** Decided on the objects as they are in this transaction; the copy's own bytes were read by the caller. */
export async function adoptCopies(
  session: Session,
  copies: readonly FoundCopy[],
  events: readonly NewEvent[],
): Promise<readonly Adoption[]> {
  const answers: Adoption[] = copies.map(() => 'unknown');
  for (const round of rounds([...copies.entries()], ([, { scope, name }]) => `${scope}\0${name}`)) {
    const told = await adoptRound(
      session,
      round.map(([, copy]) => copy),
    );
    for (const [i, [at]] of round.entries()) answers[at] = told[i] as Adoption;
  }
  await recordEvents(session, events);
  return answers;
}

async function adoptRound(session: Session, copies: readonly FoundCopy[]): Promise<readonly Adoption[]> {
  await lockObjects(session, copies);
  const found = await findObjects(session, copies);
  const objects = await seeObjectsNamed(session, copies);
  const watched = await watchThese(session, objects);
  const soft = await openSoftStores(
    session,
    copies.map(({ store, soft: isSoft }) => ({ soft: isSoft ? [store] : [] })),
  );
  const rows: ReplicaRow[] = [];
  const answers: Adoption[] = [];
  const stores = await session.known.stores.requireIds(
    session,
    copies.map(({ store }) => store),
  );
  const wanted = copies.map((copy) => ({ store: stores.get(copy.store) ?? 0, key: copy.place, own: copy }));
  const taken = await findTaken(session, wanted);
  for (const [at, copy] of copies.entries()) {
    const store = stores.get(copy.store) ?? 0;
    const object = found[at];
    const here = watched.replicas.filter((one) => one.object === object?.id && one.store === store);
    const answer = taken[at] === undefined ? decide(copy, object, here) : 'elsewhere';
    answers.push(answer);
    if (answer !== 'adopted' || object === undefined) continue;
    const { scope, name, token } = copy;
    const replica = { state: 'AVAILABLE', verification: 'read-back', place: copy.place, token } as const;
    rows.push(encodeReplica(replica, { scope, name, object: object.id, store, version: object.current.id }, soft));
  }
  await upsertReplicas(session, rows);
  await session.run(
    place,
    rows.map(([object, store, version]): SqlValue[] => [object, store, version]),
  );
  await followObjects(session, watched);
  // Else what an upload registered would pass for a version that never arrived (`NEVER_ARRIVED`).
  const without = new Set(objects.filter(({ authority }) => authority === NO_SOURCE).map(({ id }) => id));
  await session.run(
    keepAuthority,
    rows.filter(([object]) => without.has(object)).map(([object, store]) => [object, store]),
  );
  return answers;
}

/** A copy that was given up has left nothing; any other at the store has bytes of its own, or is about to. */
function decide(copy: FoundCopy, object: FoundObject | undefined, here: readonly SeenReplica[]): Adoption {
  if (object === undefined || object.current.kind === TOMBSTONE) return 'unknown';
  const { sha256, size, id } = object.current;
  if (sha256 !== copy.sha256 || size !== copy.size) return 'other-bytes';
  const own = here.find(({ version }) => version === id);
  return own === undefined || (hasNoBytes(own) && own.state !== stateCode('COPYING')) ? 'adopted' : 'elsewhere';
}
