export { CatalogObjects, type ObjectDetails } from './client/catalog-objects.ts';
export { type CollectionDetails, Collections, type MembersChanged } from './client/collections.ts';
export { CollectionError } from './client/collection-error.ts';
export type { MemberNamed, MembersNamed } from './client/find-members-named.ts';
export { openCollections, type OpenCollections, type OpenedCollections } from './client/open-collections.ts';
export type { ClientSession, SyncReplicasOptions } from './client/client-session.ts';
export type { Flushed, FlushOptions } from './client/flush-requests.ts';
export type { NamePattern } from './client/make-rules.ts';
export type { Explanation } from './client/explain.ts';
export { openRules, type OpenedRules, type OpenRules, type WorkOptions } from './client/open-rules.ts';
export type { CheckedAcceptance, CheckedNode, CheckedPolicy } from './client/check-policy.ts';
export { Policies, type PolicyDetails } from './client/policies.ts';
export { Quotas, type QuotaUse } from './client/quotas.ts';
export { Plans, type PlanOptions } from './client/plans.ts';
export type { Planned } from './client/plan.ts';
export { Requests } from './client/requests.ts';
export type { RequestsAsked } from './client/request-desk.ts';
export { Stores } from './client/stores.ts';
export type { LoseOptions, StoreLossPlan, StoreLost } from './client/lose-store.ts';
export type { StoreMoved } from './client/move-store.ts';
export type { ListedStore } from './client/list-stores.ts';
export type { SaidAvailability, StoreKnown, StoreSet } from './client/store-use.ts';
export type { AuditAsked } from './client/audit-stores.ts';
export type { AuditListeners, AuditOptions, AuditResult } from './engine/audit/audit-types.ts';
export type { LossPlan, Plan } from './engine/plan/plan-types.ts';
export type { RequestRecord } from './ports/catalog.ts';
export { RuleError, type RuleErrorKind } from './client/rule-error.ts';
export type { RuleTerms } from './client/rule-order.ts';
export { type RuleDetails, type RuleOptions, type RuleOrdered, Rules } from './client/rules.ts';
export { ObjectFile, type ObjectStat } from './client/object-file.ts';
export {
  type DownloadFileOptions,
  type FindOptions,
  type ListOptions,
  type ReadOptions,
  StorageClient,
  type WriteOptions,
} from './client/storage-client.ts';
export { StorageClientConfig } from './client/storage-client-config.ts';
export { ConfigurationError, type ConfigurationProblem } from './config/problem.ts';
export type { CollectionKind, CollectionProblem } from './domain/collection/collection.ts';
export type { DeleteLimit } from './domain/transfer/delete-limit.ts';
export type { Comparison } from './domain/transfer/difference.ts';
export type { ByteRange } from './domain/transfer/byte-range.ts';
export type { Verification } from './domain/store/verification.ts';
export type { DeleteResult } from './engine/delete-object.ts';
export type { ObjectInfo } from './engine/inspect-object.ts';
export type { ListedObject, ObjectListing } from './engine/list-objects.ts';
export type { ObjectErrorKind } from './engine/object-error.ts';
export { ObjectError, UploadError } from './engine-errors.ts';
export type {
  SyncFailure,
  SyncListeners,
  SyncProgressReport,
  SyncResult,
  SyncTargetResult,
} from './engine/sync/sync-types.ts';
export type { WriteResult } from './engine/write-object.ts';
export type { CollectionRecord, CollectionSum, MemberRecord, NewMember } from './ports/collections.ts';
export type { LockRecord, RuleRecord } from './ports/rules.ts';
export type { ObjectExplanation, ReplicaExplained, RuleExplanation } from './engine/explain/explanation.ts';
export type { ResolvedObject } from './engine/explain/resolve-object.ts';
export type { ReplicationPolicy } from './domain/rule/replication-policy.ts';
export type { AcceptancePolicy } from './domain/store/acceptance.ts';
export { type Client, openClient, type OpenClient } from './client/open-client.ts';
export type { DeleteOptions } from './client/delete-uploaded.ts';
export type { DownloadedObject, DownloadOptions } from './client/download.ts';
export type { Uploaded, UploadOptions } from './client/upload.ts';
export type { UploadedFile, UploadStep } from './engine/uploads/upload-types.ts';
export type { OwnTransferTool } from './open-transfer-tools.ts';
export type { FailureKind } from './domain/transfer/retry.ts';
export {
  type FailedSource,
  type RefusalReason,
  type Submission,
  type Transfer,
  type TransferContent,
  type TransferEnd,
  type TransferOutcome,
  type TransferReport,
  type TransferSource,
  type TransferStatus,
  type TransferTool,
  type TransferToolCapabilities,
  TransferToolError,
} from './ports/transfer-tool.ts';
export type { Token } from './ports/storage.ts';
