import type { SetStatement } from '../session.ts';

/** A version is authoritative where it was first available: that stays as it is where it is known. */
export const keepAuthority: SetStatement = {
  columns: { object: 'int', store: 'int' },
  text: (rows) =>
    `insert into object_trait (object, format, rights_holder, authority) select r.object, null, null, r.store from ${rows} where true
     on conflict (object) do update set authority = coalesce(object_trait.authority, excluded.authority)`,
};
