import { OBJECT, stateCode, TOMBSTONE } from '../codes.ts';
import { NO_SOURCE } from '../verbs/open-scope.ts';

const HAS_NO_BYTES = (p: string): string =>
  `(${p}.state = ${stateCode('COPYING')} or (${p}.state = ${stateCode('UNAVAILABLE')} and ${p}.token is null))`;

/**
 * SQL expression, of the object called `o`: an upload registered its current version, and no store has ever had it. A scope with a
 * source is another matter: what lies there is the object.
 */
export const NEVER_ARRIVED = `o.kind = ${OBJECT}
  and exists (select 1 from scope s where s.id = o.scope and s.source = ${NO_SOURCE})
  and exists (select 1 from object_trait t where t.object = o.id and t.authority is null)
  and not exists (select 1 from replica p where p.object = o.id and p.version = o.current and not ${HAS_NO_BYTES('p')})`;

/**
 * SQL expression, of the object called `o`: number of the newest version before the current one that a store has had since the object was
 * last deleted, in whatever state its copies are; null: there is none.
 */
export const EARLIER_VERSION = `(select max(p.version) from replica p where p.object = o.id and p.version < o.current
  and p.state <> ${stateCode('BEING_DELETED')} and not ${HAS_NO_BYTES('p')}
  and not exists (select 1 from version d where d.superseded = 1 and d.object = o.id and d.kind = ${TOMBSTONE} and d.id > p.version))`;
