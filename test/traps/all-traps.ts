import { AUDIT_TRAPS } from './audit.ts';
import { CATALOG_TRAPS } from './catalog.ts';
import { CONFIGURATION_TRAPS } from './configuration.ts';
import { POLICY_TRAPS } from './policies.ts';
import { READING_TRAPS } from './reading.ts';
import { RULE_TRAPS } from './rules.ts';
import { SITE_TRAPS } from './sites.ts';
import { STORE_TRAPS } from './stores.ts';
import { SYNC_TRAPS } from './sync.ts';
import { SYNC_DELETE_TRAPS } from './sync-deletes.ts';
import { TRANSFER_TRAPS } from './transfers.ts';
import type { Trap } from './trap.ts';
import { WRITING_TRAPS } from './writing.ts';

export const TRAPS: readonly Trap[] = [
  ...CONFIGURATION_TRAPS,
  ...READING_TRAPS,
  ...WRITING_TRAPS,
  ...SYNC_TRAPS,
  ...SYNC_DELETE_TRAPS,
  ...STORE_TRAPS,
  ...CATALOG_TRAPS,
  ...RULE_TRAPS,
  ...POLICY_TRAPS,
  ...TRANSFER_TRAPS,
  ...AUDIT_TRAPS,
  ...SITE_TRAPS,
];
