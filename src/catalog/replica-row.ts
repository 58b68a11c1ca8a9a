import type { ObjectName } from '../domain/object/object-name.ts';
import type { Replica } from '../domain/replica/replica.ts';
import { stateName, verificationName } from './codes.ts';
import { decodePlace } from './place-code.ts';
import type { Session } from './session.ts';
import { isSoft, recordedState, toldState } from './softness.ts';

/** A row of `replica` as it is told. */
export type ToldReplicaRow = readonly [
  store: number,
  version: number,
  state: number,
  verification: number,
  place: string | null,
  token: string | null,
  soft: number,
];

/** SQL: the columns of a `ToldReplicaRow`, of the replica called `p`, by this start of the machine. */
export function toldReplica(p: string, boot: string): string {
  return columnsOf(p, boot, toldState(p, boot));
}

/** SQL: the same, for who decides what becomes of it: that its store does not answer now changes nothing in that. */
export function recordedReplica(p: string, boot: string): string {
  return columnsOf(p, boot, recordedState(p, boot));
}

function columnsOf(p: string, boot: string, state: string): string {
  return `${p}.store, ${p}.version, ${state}, ${p}.verification, ${p}.place, ${p}.token, ${isSoft(p, boot)}`;
}

export async function decodeReplica(session: Session, object: ObjectName, row: ToldReplicaRow): Promise<Replica> {
  const [store, versionId, state, verification, place, token, soft] = row;
  return {
    store: await session.known.stores.textOf(session, store),
    versionId,
    state: stateName(state),
    place: decodePlace(object, place),
    token: token ?? undefined,
    verification: verificationName(verification),
    ...(soft === 1 ? { soft: true } : {}),
  };
}
