import type { ObjectName } from '../../domain/object/object-name.ts';
import { OBJECT } from '../codes.ts';
import { decodeOperation, encodeOperation } from '../content.ts';
import { sql } from 'kysely';
import type { Session } from '../session.ts';

/** One walk over all versions for so many: nothing else asks for versions by their operation, so there is no index for it. */
const AT_ONCE = 500;

export async function findOperations(
  session: Session,
  operations: readonly string[],
): Promise<readonly (ObjectName & { readonly operation: string })[]> {
  const found: (ObjectName & { operation: string })[] = [];
  for (let from = 0; from < operations.length; from += AT_ONCE) {
    const asked = operations.slice(from, from + AT_ONCE).map((operation) => sql`${encodeOperation(operation)}`);
    const built = sql`
      select ${sql.raw(session.engine.hex('v.operation'))}, o.scope, o.name from version v join object o on o.id = v.object
      where v.operation in (${sql.join(asked)}) and o.current = v.id and v.kind = ${OBJECT}`;
    const rows = await session.arrays<readonly [operation: string, scope: number, name: string]>({
      compile: () => built.compile(session.db),
    });
    for (const [operation, scope, name] of rows) {
      found.push({
        operation: decodeOperation(operation),
        scope: await session.known.scopes.textOf(session, scope),
        name,
      });
    }
  }
  return found;
}
