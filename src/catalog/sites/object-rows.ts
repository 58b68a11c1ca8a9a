import type { SetStatement } from '../session.ts';

/** Statements over an object's versions and siblings that whoever joins them needs. */
export const supersede: SetStatement = {
  columns: { object: 'int', id: 'int', superseded: 'int' },
  text: (rows) =>
    `update version set superseded = r.superseded from ${rows} where version.id = r.id and version.object = r.object`,
};

export const countSiblings: SetStatement = {
  columns: { scope: 'int', name: 'text', siblings: 'int' },
  text: (rows) =>
    `update object set siblings = r.siblings from ${rows} where object.scope = r.scope and object.name = r.name`,
};

export const addSibling: SetStatement = {
  columns: { object: 'int', version: 'int' },
  text: (rows, { nowMs }) =>
    `insert into sibling (object, version, found_ms) select r.object, r.version, ${nowMs} from ${rows} where true
     on conflict (object, version) do nothing`,
};

/** Of versions that are beside another one, and will not be any more. */
export const endConflict: SetStatement = {
  columns: { object: 'int', version: 'int' },
  text: (rows, { nowMs }) =>
    `insert into ended_conflict (object, version, ended_ms) select r.object, r.version, ${nowMs} from ${rows} where true
     on conflict (object, version) do update set ended_ms = excluded.ended_ms`,
};

export const dropSibling: SetStatement = {
  columns: { object: 'int', version: 'int' },
  text: (rows) => `delete from sibling where (object, version) in (select r.object, r.version from ${rows})`,
};
