import { formatObjectName, type ObjectName } from '../../domain/object/object-name.ts';
import { quoteKey } from '../../domain/object/key.ts';
import { decodePlace } from '../place-code.ts';
import { findPlaceOwners } from '../record/place-owners.ts';
import type { Session, SetStatement } from '../session.ts';
import type { SeenObject } from './seen.ts';

/** A copy that is about to be made. */
export interface CopyPlace {
  readonly object: Pick<SeenObject, 'scope' | 'name'>;
  readonly store: number;
  /** As `replica.place` has it. */
  readonly place: string | null;
}

const lock: SetStatement = {
  columns: { store: 'int' },
  text: (rows, { forUpdate }) =>
    `select s.store from ${rows} join store_space s on s.store = r.store order by s.store ${forUpdate}`,
};

/** Who else makes copies there waits until the transaction ends, and sees these. */
async function lockPlaces(session: Session, copies: readonly CopyPlace[]): Promise<void> {
  if (!session.engine.concurrentWriters) return;
  const stores = [...new Set(copies.map(({ store }) => store))].toSorted((a, b) => a - b);
  await session.all(
    lock,
    stores.map((store) => [store]),
  );
}

/**
 * Copies whose place is another object's, with the reason. One place is one object's: what is deleted there, or written over, is nobody
 * else's. Of two that want one place at the same time the first gets it.
 */
export async function findTakenPlaces<Copy extends CopyPlace>(
  session: Session,
  copies: readonly Copy[],
): Promise<ReadonlyMap<Copy, string>> {
  const taken = new Map<Copy, string>();
  if (copies.length === 0) return taken;
  await lockPlaces(session, copies);
  const wanted: WantedPlace[] = [];
  for (const { object, store, place } of copies) {
    const own = { scope: await session.known.scopes.textOf(session, object.scope), name: object.name };
    wanted.push({ store, key: decodePlace(own, place), own });
  }
  for (const [at, other] of (await findTaken(session, wanted)).entries()) {
    if (other !== undefined) taken.set(copies[at] as Copy, describeTaken(wanted[at]?.key ?? '', other));
  }
  return taken;
}

export interface WantedPlace {
  readonly store: number;
  readonly key: string;
  readonly own: ObjectName;
}

/** The other object that has each place, or wants it before; undefined: nobody. */
export async function findTaken(
  session: Session,
  wanted: readonly WantedPlace[],
): Promise<readonly (ObjectName | undefined)[]> {
  const owners = await findPlaceOwners(session, wanted);
  const first = new Map<string, ObjectName>();
  return wanted.map(({ store, key, own }, at) => {
    const place = `${store} ${key}`;
    const others = [...(owners[at] ?? []), first.get(place) ?? own];
    const other = others.find(({ scope, name }) => scope !== own.scope || name !== own.name);
    if (other === undefined) first.set(place, own);
    return other === undefined ? undefined : { scope: other.scope, name: other.name };
  });
}

function describeTaken(key: string, other: ObjectName): string {
  const whose = quoteKey(formatObjectName(other));
  return `its place there, ${quoteKey(key)}, is that of ${whose}: one of them needs another name, or the store another path algorithm`;
}
