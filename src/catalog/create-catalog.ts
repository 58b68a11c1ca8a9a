import type { AuditCatalog } from '../ports/audits.ts';
import type { Catalog, RequestOutcome } from '../ports/catalog.ts';
import type { PageQueue } from '../ports/page-queue.ts';
import type { RuleCatalog } from '../ports/rules.ts';
import type { AbsenceCatalog } from '../ports/store-absences.ts';
import type { TokenCatalog } from '../ports/tokens.ts';
import { adoptCopies } from './audits/adopt-copies.ts';
import { beginAudit, listAudits, listFindings, saveAudit } from './audits/audits.ts';
import { findOperations } from './audits/find-operations.ts';
import { listReplicasAt } from './audits/list-replicas-at.ts';
import type { UploadCatalog } from '../ports/uploads.ts';
import { attach } from './collections/attach.ts';
import { detach } from './collections/detach.ts';
import { listMembers } from './collections/list-members.ts';
import { readTraits, setTraits } from './collections/object-traits.ts';
import { listObstacles } from './collections/obstacles.ts';
import { putCollection, setCollectionOpen } from './collections/put-collection.ts';
import { listCollections, listParents, readCollection, sumCollection } from './collections/read-collections.ts';
import type { Engine } from './engine.ts';
import type { Executor } from './executor.ts';
import { recordTogether } from './record/record-together.ts';
import { addRule } from './rules/add-rule.ts';
import { applyRulePage } from './rules/apply-rule-page.ts';
import { readAttempts } from './rules/attempts.ts';
import { chooseSources } from './rules/choose-sources.ts';
import { chooseSourcesWithin } from './rules/choose-within-limits.ts';
import { claimRules, renewRules } from './rules/claim-rules.ts';
import { condemn } from './rules/condemn.ts';
import { forgetAbandoned, handOver, listAbandoned } from './rules/handed-over.ts';
import { listLocks } from './rules/list-locks.ts';
import { listQuotas, readAccountUse, setQuota } from './rules/quotas.ts';
import { listRules, listRulesOf, readRule } from './rules/read-rules.ts';
import { readHeldPage, readRulePage, readTargetPage } from './rules/read-rule-page.ts';
import { releaseLocks } from './rules/release-locks.ts';
import { listReleased, touch } from './rules/released.ts';
import { hasten, listFailingStores, retryStuck } from './rules/retry-stuck.ts';
import { isCopyInHand, leaveCopies } from './rules/copies-in-hand.ts';
import { askAgain, cancelRequests } from './rules/request-desk.ts';
import { openStores } from './rules/open-stores.ts';
import { readTransfers } from './rules/read-transfers.ts';
import { settleTransfers } from './rules/settle-transfers.ts';
import { readStoreUse, setStore } from './rules/store-use.ts';
import { holdsPlaced } from './rules/holds-placed.ts';
import { sumRuleGroup, sumTargetGroup } from './rules/sum-rule-group.ts';
import { answerTakenBack } from './rules/taken-back.ts';
import { tellRule } from './rules/tell-rule.ts';
import { readTransfersInHand } from './rules/transfers-in-hand.ts';
import { updateRule } from './rules/update-rule.ts';
import { conflictVerbs, journalVerbs } from './sites/site-verbs.ts';
import { beginUploads } from './uploads/begin-uploads.ts';
import { continueUploads } from './uploads/continue-uploads.ts';
import { finishUploads } from './uploads/finish-uploads.ts';
import { listUploads } from './uploads/list-uploads.ts';
import { listEvents, recordEvents } from './verbs/events.ts';
import { beginFlush, endFlush } from './verbs/flushes.ts';
import { addIntent, listIntents, removeIntent } from './verbs/intents.ts';
import { findOtherSource, openScope } from './verbs/open-scope.ts';
import { readOperation } from './verbs/operations.ts';
import { claimAbsence, endAbsence, listKeptStores, tellAnswers, tellAway } from './stores/absences.ts';
import { countHeld } from './stores/count-held.ts';
import { listPlacesNamed } from './stores/list-places-named.ts';
import { loseCopies } from './stores/lose-copies.ts';
import { markUnavailable } from './stores/mark-unavailable.ts';
import { moveStore } from './stores/move-store.ts';
import { listUnavailable, recogniseCopies } from './stores/recognise-copies.ts';
import { addPage, closePageJob, collectPages, openPageJob, stopPageJob } from './verbs/page-jobs.ts';
import { answerPage, claimPages, giveBackPages, listPageJobs } from './verbs/page-claims.ts';
import { addToken, listTokens, removeToken } from './verbs/tokens.ts';
import { prune } from './verbs/prune.ts';
import { readObject } from './verbs/read-object.ts';
import { endClaims, listClaimOwners } from './verbs/claim-owners.ts';
import { claimRequests } from './verbs/claim-requests.ts';
import { readContents } from './verbs/read-contents.ts';
import { readMarks } from './verbs/read-marks.ts';
import { finishRequests, listRequests, renewRequests } from './verbs/requests.ts';
import { listStandingRules } from './verbs/standing-rules.ts';
import { listNearby } from './verbs/list-nearby.ts';
import { readPlaces } from './verbs/read-places.ts';
import { areRecorded } from './verbs/are-recorded.ts';
import { scanScope } from './verbs/scan-scope.ts';
import { readOwnSite } from './verbs/site.ts';
import { readStatus } from './verbs/status.ts';
import { beginSync } from './verbs/begin-sync.ts';
import { endSync, listSyncs, readGrown, renewSync } from './verbs/syncs.ts';

const isAny = (count: number): boolean => count > 0;
const isSo = (answer: boolean): boolean => answer;
const isOne = (answers: readonly boolean[]): boolean => answers.includes(true);
/** Due when its time has come. */
const isPutOff = ({ kind }: RequestOutcome): boolean => kind === 'retry' || kind === 'held-back';

/** The one implementation of the port: which verb reads, which writes, and which writes may make something due. */
export function createCatalog(given: {
  readonly executor: Executor;
  readonly location: string;
  readonly engine: Engine;
}): Catalog {
  const { executor, location, engine } = given;
  const record = recordTogether(executor, engine.recordsMerged);
  return {
    location,
    onDue: (hear) => executor.onDue(hear),
    site: () => executor.write((session) => readOwnSite(session)),
    openScope: (scope) => executor.write((session) => openScope(session, scope)),
    findOtherSource: (scope, source) => executor.read((session) => findOtherSource(session, scope, source)),
    listStandingRules: (scope) => executor.read((session) => listStandingRules(session, scope)),
    readObject: (scope, name) => executor.read((session) => readObject(session, scope, name)),
    scanScope: (query) => executor.read((session) => scanScope(session, query)),
    areRecorded: (query) => executor.read((session) => areRecorded(session, query)),
    readMarks: (versionIds) => executor.read((session) => readMarks(session, versionIds)),
    readContents: (versionIds) => executor.read((session) => readContents(session, versionIds)),
    record,
    prune: (limit) => executor.write((session) => prune(session, limit)),
    claimRequests: (claim) => executor.write((session) => claimRequests(session, claim)),
    renewRequests: (leases, leaseMs) => executor.write((session) => renewRequests(session, leases, leaseMs)),
    listClaimOwners: () => executor.read((session) => listClaimOwners(session)),
    endClaims: (owners) => executor.tell((session) => endClaims(session, owners), isAny),
    finishRequests: (outcomes) =>
      executor.tell(
        (session) => finishRequests(session, outcomes),
        () => !outcomes.every(isPutOff),
      ),
    listRequests: (query) => executor.read((session) => listRequests(session, query)),
    beginSync: (sync) => executor.write((session) => beginSync(session, sync)),
    renewSync: (lease, leaseMs) => executor.write((session) => renewSync(session, lease, leaseMs)),
    endSync: (lease, state, progress, grown = []) =>
      executor.write((session) => endSync(session, { lease, state, progress, grown })),
    readGrown: (scope, targets) => executor.read((session) => readGrown(session, scope, targets)),
    listSyncs: (limit) => executor.read((session) => listSyncs(session, limit)),
    beginFlush: (store) => executor.write((session) => beginFlush(session, store)),
    endFlush: (flush, passed) => executor.tell((session) => endFlush(session, flush, passed)),
    addIntent: (intent) => executor.write((session) => addIntent(session, intent)),
    listIntents: () => executor.read((session) => listIntents(session)),
    removeIntent: (operation) => executor.write((session) => removeIntent(session, operation)),
    readOperation: (id) => executor.read((session) => readOperation(session, id)),
    recordEvents: (events) => executor.write((session) => recordEvents(session, events)),
    listEvents: (query) => executor.read((session) => listEvents(session, query)),
    putCollection: (collection) => executor.tell((session) => putCollection(session, collection)),
    readCollection: (name) => executor.read((session) => readCollection(session, name)),
    listCollections: (query) => executor.read((session) => listCollections(session, query)),
    setCollectionOpen: (name, isOpen) => executor.write((session) => setCollectionOpen(session, name, isOpen)),
    attach: (parent, members) => executor.tell((session) => attach(session, parent, members)),
    detach: (parent, members) => executor.tell((session) => detach(session, parent, members)),
    listMembers: (parent, query) => executor.read((session) => listMembers(session, parent, query)),
    listParents: (name) => executor.read((session) => listParents(session, name)),
    sumCollection: (name) => executor.read((session) => sumCollection(session, name)),
    listObstacles: (name) => executor.read((session) => listObstacles(session, name)),
    readTraits: (name) => executor.read((session) => readTraits(session, name)),
    setTraits: (name, traits) => executor.tell((session) => setTraits(session, name, traits)),
    readPlaces: (store, keys) => executor.read((session) => readPlaces(session, store, keys)),
    listNearby: (place) => executor.read((session) => listNearby(session, place)),
    status: () => executor.read((session) => readStatus(session)),
    askAgain: (ids) => executor.tell((session) => askAgain(session, ids)),
    cancelRequests: (ids) => executor.tell((session) => cancelRequests(session, ids)),
    isCopyInHand: (copy) => executor.read((session) => isCopyInHand(session, copy)),
    leaveCopies: (leases) => executor.tell((session) => leaveCopies(session, leases)),
    chooseSourcesWithin: (wanted, limits) => executor.write((session) => chooseSourcesWithin(session, wanted, limits)),
    readTransfersInHand: () => executor.read((session) => readTransfersInHand(session)),
    listPlacesNamed: (title) => executor.read((session) => listPlacesNamed(session, title)),
    moveStore: (move) => executor.tell((session) => moveStore(session, move)),
    countHeld: (store) => executor.read((session) => countHeld(session, store)),
    loseCopies: (query) => executor.tell((session) => loseCopies(session, query)),
    ...ruleVerbs(executor),
    ...auditVerbs(executor),
    ...absenceVerbs(executor),
    ...uploadVerbs(executor),
    ...journalVerbs(executor),
    ...pageVerbs(executor),
    ...conflictVerbs(executor),
    ...tokenVerbs(executor),
    [Symbol.asyncDispose]: () => executor.close(),
  };
}

function ruleVerbs(executor: Executor): RuleCatalog {
  return {
    addRule: (rule) => executor.tell((session) => addRule(session, rule)),
    readRule: (id) => executor.read((session) => readRule(session, id)),
    listRules: (query) => executor.read((session) => listRules(session, query)),
    listRulesOf: (name) => executor.read((session) => listRulesOf(session, name)),
    updateRule: (id, words) => executor.tell((session) => updateRule(session, id, words)),
    tellRule: (id, event) => executor.tell((session) => tellRule(session, id, event)),
    claimRules: (claim) => executor.write((session) => claimRules(session, claim)),
    renewRules: (leases, leaseMs) => executor.write((session) => renewRules(session, leases, leaseMs)),
    readRulePage: (rule, query) => executor.read((session) => readRulePage(session, rule, query)),
    sumRuleGroup: (rule, dataset) => sumRuleGroup(executor, rule, dataset),
    readTargetPage: (targets, query) => executor.read((session) => readTargetPage(session, targets, query)),
    sumTargetGroup: (targets, dataset) => sumTargetGroup(executor, targets, dataset),
    readHeldPage: (store, query) => executor.read((session) => readHeldPage(session, store, query)),
    applyRulePage: (page) => answerTakenBack(executor.tell((session) => applyRulePage(session, page))),
    releaseLocks: (lease, query) => executor.tell((session) => releaseLocks(session, lease, query)),
    openStores: (stores) => executor.write((session) => openStores(session, stores)),
    readStoreUse: () => executor.read((session) => readStoreUse(session)),
    holdsPlaced: (query) => executor.read((session) => holdsPlaced(session, query)),
    setStore: (store, said) => executor.tell((session) => setStore(session, store, said)),
    listLocks: (query) => executor.read((session) => listLocks(session, query)),
    retryStuck: (limit) => executor.tell((session) => retryStuck(session, limit), isAny),
    listFailingStores: () => executor.read((session) => listFailingStores(session)),
    hasten: (change) => executor.tell((session) => hasten(session, change), isAny),
    readAttempts: (requestIds) => executor.read((session) => readAttempts(session, requestIds)),
    chooseSources: (choices) => executor.write((session) => chooseSources(session, choices)),
    readTransfers: (requestIds) => executor.read((session) => readTransfers(session, requestIds)),
    settleTransfers: (outcomes) => executor.tell((session) => settleTransfers(session, outcomes)),
    handOver: (handed) => executor.write((session) => handOver(session, handed)),
    listAbandoned: (tools, limit) => executor.read((session) => listAbandoned(session, tools, limit)),
    forgetAbandoned: (over) => executor.write((session) => forgetAbandoned(session, over)),
    listReleased: (store, query) => executor.read((session) => listReleased(session, store, query)),
    condemn: (replicas, countsAsGood) => executor.tell((session) => condemn(session, replicas, countsAsGood), isOne),
    touch: (replicas) => executor.write((session) => touch(session, replicas)),
    setQuota: (quota) => executor.tell((session) => setQuota(session, quota)),
    listQuotas: (account) => executor.read((session) => listQuotas(session, account)),
    readAccountUse: (account) => executor.read((session) => readAccountUse(session, account)),
  };
}

function auditVerbs(executor: Executor): AuditCatalog {
  return {
    listReplicasAt: (store, query) => executor.read((session) => listReplicasAt(session, store, query)),
    beginAudit: (audit) => executor.write((session) => beginAudit(session, audit)),
    saveAudit: (lease, step) => executor.tell((session) => saveAudit(session, lease, step)),
    listFindings: (store, query) => executor.read((session) => listFindings(session, store, query)),
    listAudits: () => executor.read((session) => listAudits(session)),
    findOperations: (operations) => executor.read((session) => findOperations(session, operations)),
    adoptCopies: (copies, events) => executor.tell((session) => adoptCopies(session, copies, events)),
  };
}

function absenceVerbs(executor: Executor): AbsenceCatalog {
  return {
    listKeptStores: () => executor.read((session) => listKeptStores(session)),
    tellAway: (store) => executor.write((session) => tellAway(session, store)),
    tellAnswers: (store) => executor.write((session) => tellAnswers(session, store)),
    claimAbsence: (store, turn) => executor.write((session) => claimAbsence(session, store, turn)),
    markUnavailable: (turn, page) =>
      executor.tell(
        (session) => markUnavailable(session, turn, page),
        (marked) => marked !== undefined && isAny(marked.copies),
      ),
    listUnavailable: (store, page) => executor.read((session) => listUnavailable(session, store, page)),
    recogniseCopies: (turn, looked) => executor.tell((session) => recogniseCopies(session, turn, looked), isSo),
    endAbsence: (turn) => executor.tell((session) => endAbsence(session, turn), isSo),
  };
}

function pageVerbs(executor: Executor): PageQueue {
  return {
    openPageJob: (job) => executor.tell((session) => openPageJob(session, job)),
    addPage: (page) => executor.write((session) => addPage(session, page)),
    collectPages: (collect) => executor.write((session) => collectPages(session, collect)),
    stopPageJob: (job) => executor.write((session) => stopPageJob(session, job)),
    closePageJob: (job) => executor.write((session) => closePageJob(session, job)),
    listPageJobs: () => executor.read((session) => listPageJobs(session)),
    claimPages: (claim) => executor.write((session) => claimPages(session, claim)),
    answerPage: (lease, outcomes) => executor.write((session) => answerPage(session, lease, outcomes)),
    giveBackPages: (leases) => executor.write((session) => giveBackPages(session, leases)),
  };
}

function tokenVerbs(executor: Executor): TokenCatalog {
  return {
    addToken: (token) => executor.write((session) => addToken(session, token)),
    listTokens: () => executor.read((session) => listTokens(session)),
    removeToken: (name) => executor.write((session) => removeToken(session, name)),
  };
}

function uploadVerbs(executor: Executor): UploadCatalog {
  return {
    beginUploads: (begin) => answerTakenBack(executor.tell((session) => beginUploads(session, begin))),
    continueUploads: (outcomes, claim) => executor.tell((session) => continueUploads(session, outcomes, claim)),
    finishUploads: (outcomes, into) => executor.tell((session) => finishUploads(session, outcomes, into)),
    listUploads: (query) => executor.read((session) => listUploads(session, query)),
  };
}
