import type { StorageClient } from '../client/storage-client.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { WriteResult } from '../engine/write-object.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';

export interface Written {
  readonly name: string;
  readonly result: WriteResult;
  readonly wait: boolean;
}

/** Tells of a version that was written; with `wait`, when its replicas have it too. Undefined: all is well. */
export async function reportWritten(
  cli: Invocation,
  client: StorageClient,
  { name, result, wait }: Written,
): Promise<ExitCode | undefined> {
  const { pending, missing, failed } = wait
    ? await client.flush({ signal: cli.signal })
    : { pending: [], missing: [], failed: [] };
  if (cli.globals.json === true)
    cli.output.printJson({
      object: `${client.profile}:${name}`,
      ...result,
      ...(wait ? { pending: pending.length, failed: failed.length } : {}),
    });
  else {
    const level = result.verification === undefined ? 'written before' : result.verification;
    const later = wait || result.queuedCopies === 0 ? '' : describeQueued(result.queuedCopies);
    cli.output.note(
      `${cli.names.call(client.profile, name)}: ${formatBytesRoughly(result.size)}, ${level}, version ${result.version}${later}`,
    );
  }
  for (const { name: one, store, lastError } of [...failed, ...pending])
    cli.output.complain(`${escapeKey(one)}: not at ${store} yet: ${lastError ?? 'it is queued'}`);
  if (missing.length > 0)
    cli.output.complain(
      `if no disk is to be mounted there, pando sync pando://${client.profile} makes what is missing`,
    );
  if (failed.length > 0) return EXIT.failed;
  return pending.length > 0 ? EXIT.unavailable : undefined;
}

function describeQueued(copies: number): string {
  return `; ${copies === 1 ? '1 copy is' : `${copies} copies are`} queued (--wait waits, pando worker makes them)`;
}
