import type { AuditFinding } from '../../ports/audits.ts';
import type { NewEvent } from '../../ports/catalog.ts';
import { StorageError } from '../../ports/storage.ts';
import { observeSource } from '../observe-object.ts';
import type { OpenedScope } from '../opened-scope.ts';
import type { OperationIds } from '../operation-ids.ts';
import type { AuditedStore, AuditPorts } from './audit-types.ts';
import { inParts } from './confirm-findings.ts';
import { scopeOfUnknown } from './unknown-files.ts';

/** Makes known what lies at a source, as a read by name does. One answer each: why it could not, or undefined. */
export async function registerNew(
  ports: AuditPorts,
  {
    access,
    storage,
    operations,
    signal,
  }: AuditedStore & { readonly operations: OperationIds; readonly signal: AbortSignal },
  found: readonly AuditFinding[],
): Promise<readonly (string | undefined)[]> {
  const own = scopeOfUnknown(access);
  if (own === undefined) throw new TypeError(`${access.name} is no source`);
  const { catalog } = ports;
  const { place: source, deadlineMs } = access;
  // Any other scope was opened before: by that it is known whose source the store is.
  if (own === access.name) await catalog.openScope({ name: own, title: own, source, replicas: [], standing: false });
  const events = { report: (event: NewEvent) => void catalog.recordEvents([event]).catch(() => undefined) };
  return inParts(found, async ({ key, object }) => {
    const name = object?.scope ?? own;
    const scope: OpenedScope = {
      name,
      title: name,
      source: storage,
      replicas: [],
      consistency: 'current',
      deadlineMs,
    };
    try {
      const row = await catalog.readObject(name, key);
      const seen = await observeSource({ ...ports, operations, events }, { scope, name: key, row, signal });
      return seen === undefined ? 'it is gone, or the copy of another object by now' : undefined;
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind === 'aborted') throw error;
      return error.message;
    }
  });
}
