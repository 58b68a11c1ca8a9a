import type { SourceChoice } from '../../ports/rules.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';

const choose: SetStatement = {
  columns: { id: 'int', token: 'int', source: 'int', protocol: 'text' },
  text: (rows) =>
    `update request set source = r.source, protocol = r.protocol from ${rows}
     where request.id = r.id and request.token = r.token and request.state = 'SUBMITTED' returning request.id`,
};

/** One boolean a choice: false where its lease is lost. */
export async function chooseSources(session: Session, choices: readonly SourceChoice[]): Promise<readonly boolean[]> {
  const chosen: boolean[] = choices.map(() => false);
  const stores = await session.known.stores.requireIds(
    session,
    choices.map(({ source }) => source),
  );
  for (const round of rounds([...choices.entries()], ([, { lease }]) => String(lease.requestId))) {
    const rows = round.map(([, { lease, source, protocol }]): SqlValue[] => [
      lease.requestId,
      lease.token,
      stores.get(source) ?? 0,
      protocol,
    ]);
    const held = new Set((await session.all<[number]>(choose, rows)).map(([id]) => id));
    for (const [at, { lease }] of round) chosen[at] = held.has(lease.requestId);
  }
  return chosen;
}
