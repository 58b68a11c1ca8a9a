import type { Engine } from './engine.ts';
import type { Session, SetStatement } from './session.ts';

/** SQL function of every connection: the catalog's clock, so that a simulation can own it. */
export const NOW_FUNCTION = 'pando_now_ms';

const nextIds: SetStatement = {
  columns: { count: 'int' },
  text: (rows) => `update id_sequence set value = value + r.count from ${rows} where one = 1 returning value`,
};

/** So many rows as a FROM item named `r`. */
export function severalRows(columns: SetStatement['columns'], count: number): string {
  const names = Object.keys(columns);
  const first = `select ${names.map((name) => `? as ${name}`).join(', ')}`;
  const further = ` union all select ${names.map(() => '?').join(', ')}`;
  return `(${first}${further.repeat(count - 1)}) as r`;
}

export const sqliteEngine: Engine = {
  ddl: {
    int: 'integer',
    text: 'text',
    bytes: 'blob',
    id: 'integer primary key',
    autoId: 'integer primary key autoincrement',
    table: 'strict',
    clustered: 'strict, without rowid',
    idSequence: [
      'create table id_sequence (one integer primary key check (one = 1), value integer not null) strict',
      'insert into id_sequence (one, value) values (1, 0)',
    ],
  },
  rows: (columns) => severalRows(columns, 1),
  nowMs: `${NOW_FUNCTION}()`,
  hex: (bytes) => `nullif(lower(hex(${bytes})), '')`,
  joinedByNul: (text) => `group_concat(${text}, char(0))`,
  forUpdate: '',
  forShare: '',
  skipLocked: '',
  sharedLock: () => 'null',
  isAnyOf: (column, query) => `${column} in (${query})`,
  exclusiveLock: () => 'null',
  concurrentWriters: false,
  recordsMerged: 64,
  async takeIds(session: Session, count: number): Promise<number[]> {
    const [row] = await session.all<[number]>(nextIds, [[count]]);
    const last = row?.[0] ?? 0;
    return Array.from({ length: count }, (_, index) => last - count + 1 + index);
  },
};
