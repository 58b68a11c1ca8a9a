export { describeCatalogContract } from './catalog-contract.ts';
export { SimulatedClock } from './simulated-clock.ts';
export {
  describeStorageContract,
  type StorageContractOptions,
  type StorageGap,
  type StorageUnderTest,
} from './storage-contract.ts';
