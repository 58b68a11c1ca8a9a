export { describeCatalogContract } from './catalog-contract.ts';
export { FakeFts, type FakeFtsOptions, type FtsFaults } from './fake-fts/fake-fts.ts';
export type { FtsStore } from './fake-fts/move-file.ts';
export { SimulatedClock } from './simulated-clock.ts';
export {
  describeStorageContract,
  type StorageContractOptions,
  type StorageGap,
  type StorageUnderTest,
} from './storage-contract.ts';
export {
  describeTransferToolContract,
  type TransferStore,
  type TransferToolContractOptions,
  type TransferToolUnderTest,
} from './transfer-tool-contract.ts';
