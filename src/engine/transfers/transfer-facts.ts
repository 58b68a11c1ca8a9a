import type { ObjectName } from '../../domain/object/object-name.ts';
import type { NewRequest } from '../../ports/catalog.ts';
import type { StoreUse, TransferRow } from '../../ports/rules.ts';
import type { TransferFacts } from './plan-transfer.ts';

/** A copy that is asked for. */
export interface WantedCopy extends ObjectName {
  readonly versionId: number;
  readonly store: string;
  readonly ofRules?: { readonly sourceExpression: string | undefined };
  /** Why it is asked for, where that is known. */
  readonly reason?: NewRequest['reason'];
}

/** What a copy is planned on; `used`: of its destination, this copy included. */
export function transferFacts(wanted: WantedCopy, row: TransferRow, used: StoreUse | undefined): TransferFacts {
  const bytes = row.content.size;
  const failureRates = new Map(
    (used?.recent ?? []).map(({ source, succeeded, failed }) => [source, failed / Math.max(1, succeeded + failed)]),
  );
  return {
    object: { scope: wanted.scope, name: wanted.name },
    store: wanted.store,
    place: row.place,
    versionId: wanted.versionId,
    content: row.content,
    format: row.format,
    isByPolicy: row.isByPolicy,
    isUpload: wanted.reason === 'upload',
    sourceExpression: wanted.ofRules?.sourceExpression,
    lastSource: row.lastSource,
    replicas: row.replicas,
    failures: row.failures,
    // This copy's own bytes are reserved already.
    usage: {
      completedBytes: used?.completedBytes ?? 0,
      inFlightBytes: Math.max(0, (used?.inFlightBytes ?? 0) - bytes),
    },
    failureRates,
  };
}
