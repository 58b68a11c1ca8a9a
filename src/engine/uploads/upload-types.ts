import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { CollectionCatalog } from '../../ports/collections.ts';
import type { EventSink } from '../../ports/events.ts';
import type { Processes } from '../../ports/processes.ts';
import type { UploadCatalog, UploadOrigin } from '../../ports/uploads.ts';
import type { OperationIds } from '../operation-ids.ts';
import type { RulePorts } from '../rules/apply-rule.ts';
import type { DefaultPolicies } from '../rules/default-policies.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { StoreHealth } from '../store-health.ts';

export type UploadPorts = Omit<RulePorts, 'catalog' | 'clock'> & {
  readonly catalog: RulePorts['catalog'] &
    UploadCatalog &
    Pick<CollectionCatalog, 'putCollection' | 'readCollection' | 'attach' | 'readTraits'> &
    Pick<RuleCatalog, 'addRule' | 'tellRule' | 'listRulesOf' | 'readTransfers' | 'settleTransfers'> &
    Pick<Catalog, 'openScope' | 'readObject' | 'readMarks' | 'renewRequests'>;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly operations: OperationIds;
  readonly health: StoreHealth;
  readonly events: EventSink;
  readonly defaults: DefaultPolicies;
  /** Where this machine stands. */
  readonly clientSite: string | undefined;
};

/** A file as the engine sees it: bytes it can open as often as it likes. */
export interface FileToUpload extends ObjectName {
  /** As whoever asked wrote it. */
  readonly label: string;
  readonly origin: UploadOrigin;
  /** As it is before it is read. */
  readonly size: number;
  readonly contentType: string | undefined;
  readonly format: string | undefined;
  readonly modifiedNs: bigint | undefined;
  readonly mode: number | undefined;
  /** Fails where the file has changed since, at the latest behind its last chunk. */
  open(): AsyncIterable<Uint8Array>;
}

export interface UploadFiles {
  readonly files: readonly FileToUpload[];
  /** Made where there is none. */
  readonly dataset: ObjectName | undefined;
  /** Which stores are asked; one of them gets all files. */
  readonly expression: string;
  readonly account: string;
  readonly overwrites: boolean;
  /** Until the rule that is made for them ends. */
  readonly lifetimeMs: number | undefined;
  /** Files on their way at once. */
  readonly atOnce: number;
  /** Printable: who uploads. */
  readonly owner: string;
  readonly signal: AbortSignal;
  /** Told each step in the order in which it happens; the upload goes on when it has been taken note of. */
  readonly tell?: ((step: UploadStep) => void | Promise<void>) | undefined;
}

/** What an upload does, step by step (docs/uploads.md, "Step by step"). */
export type UploadStep =
  | { readonly kind: 'dataset-registered'; readonly dataset: ObjectName; readonly isNew: boolean }
  | {
      readonly kind: 'store-chosen';
      readonly store: string;
      readonly why: string;
      readonly algorithm: string;
      readonly isDeterministic: boolean;
      /** For writing, in the order in which they are tried. */
      readonly protocols: readonly string[];
    }
  | { readonly kind: 'hashed'; readonly label: string; readonly sha256: string }
  | { readonly kind: 'registered'; readonly label: string; readonly object: ObjectName; readonly isResumed: boolean }
  | {
      readonly kind: 'sending';
      readonly label: string;
      readonly object: ObjectName;
      readonly protocol: string;
      readonly url: string;
    }
  | { readonly kind: 'sent-bytes'; readonly label: string; readonly bytes: number }
  | {
      readonly kind: 'protocol-failed';
      readonly label: string;
      readonly object: ObjectName;
      readonly protocol: string;
      readonly why: string;
    }
  | { readonly kind: 'ended'; readonly file: UploadedFile };

/** A protocol that was tried in vain. */
export interface FailedProtocol {
  readonly protocol: string;
  readonly url: string;
  readonly why: string;
}

export interface UploadedFile extends ObjectName {
  readonly label: string;
  /**
   * `uploaded`: its bytes were brought and verified. `present`: they were there. `failed`: see `why`. `interrupted`: given back, and
   * gone on with by `--resume`.
   */
  readonly state: 'uploaded' | 'present' | 'failed' | 'interrupted';
  readonly size: number;
  readonly sha256: string | undefined;
  readonly url: string | undefined;
  readonly protocol: string | undefined;
  readonly failed: readonly FailedProtocol[];
  readonly why: string | undefined;
  /** Of a failure: the same again will fail again, until somebody says otherwise. */
  readonly isRefused: boolean;
  /** Of a failure: there is no such file. */
  readonly isMissing?: boolean;
}

export interface UploadResult {
  readonly store: string;
  readonly dataset: ObjectName | undefined;
  /** In the order in which they were given. */
  readonly files: readonly UploadedFile[];
}

/** Nothing was uploaded, for a reason that concerns all files. */
export class UploadError extends Error {
  override readonly name = 'UploadError';
  readonly kind: 'refused' | 'unavailable' | 'full';

  constructor(kind: UploadError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
