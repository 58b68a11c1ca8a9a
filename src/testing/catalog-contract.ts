import { afterAll, beforeAll, describe } from 'vitest';
import type { Catalog } from '../ports/catalog.ts';
import { describeAuthority } from './catalog-contract/authority.ts';
import { describeArrivals } from './catalog-contract/arrivals.ts';
import { describeAudits } from './catalog-contract/audits.ts';
import { describeChanges } from './catalog-contract/changes.ts';
import { describeCollectionsInTheWay } from './catalog-contract/collections-in-the-way.ts';
import { describeCollections } from './catalog-contract/collections.ts';
import { describeConcurrency } from './catalog-contract/concurrency.ts';
import { describeConflicts } from './catalog-contract/conflicts.ts';
import { describeDeletes } from './catalog-contract/deletes.ts';
import { describeGivenUpUploads } from './catalog-contract/given-up-uploads.ts';
import { CatalogContract } from './catalog-contract/harness.ts';
import { describeDueBell } from './catalog-contract/due-bell.ts';
import { describeHistory } from './catalog-contract/history.ts';
import { describeIntents } from './catalog-contract/intents.ts';
import { describeKeptVersions } from './catalog-contract/kept-versions.ts';
import { describeJournal } from './catalog-contract/journal.ts';
import { describePeerQueues } from './catalog-contract/peer-queues.ts';
import { describePageQueue } from './catalog-contract/page-queue.ts';
import { describePlaces } from './catalog-contract/places.ts';
import { describeReplicas } from './catalog-contract/replicas.ts';
import { describeRequests } from './catalog-contract/requests.ts';
import { describeRuleLife } from './catalog-contract/rule-life.ts';
import { describeHandedOver } from './catalog-contract/handed-over.ts';
import { describeRequestDesk } from './catalog-contract/request-desk.ts';
import { describeRuleSpace } from './catalog-contract/rule-space.ts';
import { describeRuleRelays } from './catalog-contract/rule-relays.ts';
import { describeRuleTransfers } from './catalog-contract/rule-transfers.ts';
import { describeRules } from './catalog-contract/rules.ts';
import { describeScanning } from './catalog-contract/scanning.ts';
import { describeScopes } from './catalog-contract/scopes.ts';
import { describeSoftCopies } from './catalog-contract/soft-copies.ts';
import { describeStoreAbsences } from './catalog-contract/store-absences.ts';
import { describeStorePlaces } from './catalog-contract/store-places.ts';
import { describeSyncs } from './catalog-contract/syncs.ts';
import { describeTokens } from './catalog-contract/tokens.ts';
import { describeTransferLimits } from './catalog-contract/transfer-limits.ts';
import { describeUploads } from './catalog-contract/uploads.ts';

/**
 * Every duty of the catalog port, as vitest suites. `open` gives the catalog under test, which is opened once, must be empty,
 * and is disposed at the end. Leases run on its own clock: some tests wait until one is over.
 */
export function describeCatalogContract(name: string, open: () => Promise<Catalog>): void {
  describe(`catalog contract: ${name}`, { timeout: 30_000 }, () => {
    let catalog: Catalog | undefined;
    const contract = new CatalogContract(() => {
      if (catalog === undefined) throw new Error('the catalog under test could not be opened');
      return catalog;
    });

    beforeAll(async () => {
      catalog = await open();
    }, 60_000);
    afterAll(async () => {
      await catalog?.[Symbol.asyncDispose]();
    }, 60_000);

    describeScopes(contract);
    describeChanges(contract);
    describeConflicts(contract);
    describeReplicas(contract);
    describeSoftCopies(contract);
    describeDeletes(contract);
    describeScanning(contract);
    describeRequests(contract);
    describeSyncs(contract);
    describePageQueue(contract);
    describeIntents(contract);
    describeHistory(contract);
    describeCollections(contract);
    describeCollectionsInTheWay(contract);
    describeConcurrency(contract);
    describeRules(contract);
    describeRuleLife(contract);
    describeRuleTransfers(contract);
    describeRuleRelays(contract);
    describeTransferLimits(contract);
    describeRuleSpace(contract);
    describeRequestDesk(contract);
    describeHandedOver(contract);
    describeAudits(contract);
    describeUploads(contract);
    describeGivenUpUploads(contract);
    describePlaces(contract);
    describeDueBell(contract);
    describeStorePlaces(contract);
    describeAuthority(contract);
    describeStoreAbsences(contract);
    describeJournal(contract);
    describePeerQueues(contract);
    describeArrivals(contract);
    describeKeptVersions(contract);
    describeTokens(contract);
  });
}
