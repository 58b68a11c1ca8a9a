import type { ObjectName } from '../../domain/object/object-name.ts';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Attributes, Body } from '../../ports/storage.ts';
import { HashingBody } from '../hashing-body.ts';
import { makeContent } from '../object-content.ts';
import { ObjectError } from '../object-error.ts';
import { fingerprintOf } from '../record-write.ts';

export interface Repeated {
  readonly operation: string;
  readonly object: ObjectName;
  readonly body: Body;
  readonly attributes: Attributes;
}

/**
 * What an earlier write with this id wrote, here or at a site this one was told of: whatever its conditions say now. The body is read only
 * where there is one, to see that it asked for the same; another one is `refused`.
 */
export async function findRepeat(
  catalog: Pick<Catalog, 'readOperation' | 'findVersion' | 'readContents'>,
  { operation, object, body, attributes }: Repeated,
): Promise<ObjectContent | undefined> {
  const known = await findFingerprint(catalog, object, operation);
  if (known === undefined) return undefined;
  const hashing = new HashingBody(body);
  await hashing.drain();
  const { size, sha256 } = hashing;
  const content = makeContent({ size, sha256, attributes });
  if (known !== fingerprintOf({ ...object, content }))
    throw new ObjectError('refused', object, `operation ${operation} was used for something else`);
  return content;
}

async function findFingerprint(
  catalog: Pick<Catalog, 'readOperation' | 'findVersion' | 'readContents'>,
  object: ObjectName,
  operation: string,
): Promise<string | undefined> {
  const done = await catalog.readOperation(operation);
  if (done !== undefined) return done.fingerprint;
  const version = await catalog.findVersion(object, operation);
  if (version === undefined) return undefined;
  const [content] = await catalog.readContents([version.id]);
  return content && fingerprintOf({ ...object, content });
}
