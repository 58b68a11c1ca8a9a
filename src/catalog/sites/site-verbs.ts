import type { ConflictCatalog } from '../../ports/conflicts.ts';
import type { JournalCatalog } from '../../ports/journal.ts';
import type { PeerQueueCatalog } from '../../ports/peer-queues.ts';
import type { Executor } from '../executor.ts';
import { applyEntries, judgeEntries } from './apply-entries.ts';
import { listSyncPeers, readAwaited } from './awaited.ts';
import {
  beginResync,
  countBacklog,
  endResync,
  giveUpBacklog,
  isToBeCompared,
  readBacklogs,
  tellPeerAway,
} from './backlogs.ts';
import { listConflicts, readConflict } from './conflicts.ts';
import { raiseFloor, readContext } from './considered.ts';
import { claimFetches, finishFetch, listFetches, renewFetch, takeUp } from './fetches.ts';
import { readPeerReceipt, readReceipt } from './receipts.ts';
import { beginLife, noticeKnown, readActors, readKnown, readLife, renewActors } from './lives.ts';
import { purgePage, purgeScope } from './purge-scope.ts';
import { recordAmong } from './record-among.ts';
import { findVersion, readCopies } from './read-copies.ts';
import { listSuperseded } from './list-superseded.ts';
import { listReplicatedScopes, queueObjects, queuePurges, readDots } from './read-dots.ts';
import { acknowledgeTold, listDeadLetters, readFloor, readOutbox, settleDeadLetters, settleOutbox } from './outbox.ts';
import {
  addPeer,
  countOutstanding,
  holdStream,
  listPeers,
  readPeerLife,
  readPeerSecrets,
  readPositions,
  readSiteSecret,
  releaseStream,
  removePeer,
  setPeer,
} from './peers.ts';

const isAny = (count: number): boolean => count > 0;
const isSo = (answer: boolean): boolean => answer;

/** The verbs of sites that follow each other: which read, which write, and which may make something due. */
export function journalVerbs(executor: Executor): JournalCatalog {
  return {
    addPeer: (peer) => executor.tell((session) => addPeer(session, peer)),
    listPeers: () => executor.read((session) => listPeers(session)),
    setPeer: (name, change) => executor.tell((session) => setPeer(session, name, change)),
    removePeer: (name) => executor.tell((session) => removePeer(session, name)),
    holdStream: (name, owner, leaseMs) => executor.write((session) => holdStream(session, name, owner, leaseMs)),
    releaseStream: (lease) => executor.write((session) => releaseStream(session, lease)),
    readOutbox: (query) => executor.read((session) => readOutbox(session, query)),
    settleOutbox: async (lease, outcomes, receipt) => {
      const settled = await executor.tell(
        (session) => settleOutbox(session, lease, outcomes, receipt),
        (answer) => answer?.isAwaited === true,
      );
      return settled && true;
    },
    acknowledgeTold: async (site, operations, life) => {
      await executor.tell(
        (session) => acknowledgeTold(session, site, operations, life),
        ({ isAwaited }) => isAwaited,
      );
    },
    readPositions: () => executor.read((session) => readPositions(session)),
    countOutstanding: (name, upTo, scope) => executor.read((session) => countOutstanding(session, name, upTo, scope)),
    listDeadLetters: (query) => executor.read((session) => listDeadLetters(session, query)),
    settleDeadLetters: (peer, positions, to) =>
      executor.tell((session) => settleDeadLetters(session, peer, positions, to), isAny),
    readFloor: (peer) => executor.read((session) => readFloor(session, peer)),
    raiseFloor: (floor, life) => executor.write((session) => raiseFloor(session, floor, life)),
    readPeerLife: (name) => executor.read((session) => readPeerLife(session, name)),
    readPeerReceipt: (name) => executor.read((session) => readPeerReceipt(session, name)),
    readReceipt: (site) => executor.read((session) => readReceipt(session, site)),
    beginLife: () => executor.write((session) => beginLife(session)),
    readLife: () => executor.read((session) => readLife(session)),
    readActors: () => executor.read((session) => readActors(session)),
    readKnown: (actors) => executor.read((session) => readKnown(session, actors)),
    noticeKnown: (known) => executor.write((session) => noticeKnown(session, known)),
    renewActors: () => executor.write((session) => renewActors(session)),
    queuePurges: (peer, scopes) => executor.tell((session) => queuePurges(session, peer, scopes), isAny),
    listSuperseded: (query) => executor.read((session) => listSuperseded(session, query)),
    listReplicatedScopes: () => executor.read((session) => listReplicatedScopes(session)),
    readDots: (query) => executor.read((session) => readDots(session, query)),
    queueObjects: (peer, scope, names, probable = false) =>
      executor.tell((session) => queueObjects(session, { peer, scope, names, probable }), isAny),
    purgeScope: (scope, operation) => executor.tell((session) => purgeScope(session, scope, operation)),
    carryOutPurge: () => executor.tell((session) => purgePage(session), isSo),
    readContext: () => executor.read((session) => readContext(session)),
    readPeerSecrets: (name) => executor.read((session) => readPeerSecrets(session, name)),
    readSiteSecret: () => executor.write((session) => readSiteSecret(session)),
    takeUp: (source, entries) => executor.tell((session) => takeUp(session, source, entries)),
    claimFetches: (claim) => executor.write((session) => claimFetches(session, claim)),
    renewFetch: (lease, leaseMs) => executor.write((session) => renewFetch(session, lease, leaseMs)),
    finishFetch: (lease, outcome) => executor.write((session) => finishFetch(session, lease, outcome)),
    listFetches: (limit) => executor.read((session) => listFetches(session, limit)),
    readCopies: (versionIds) => executor.read((session) => readCopies(session, versionIds)),
    findVersion: (object, operation) => executor.read((session) => findVersion(session, object, operation)),
    judgeEntries: (entries) => executor.read((session) => judgeEntries(session, entries)),
    applyEntries: (arrived) => executor.tell((session) => applyEntries(session, arrived)),
    ...peerQueueVerbs(executor),
  };
}

function peerQueueVerbs(executor: Executor): PeerQueueCatalog {
  return {
    listSyncPeers: () => executor.read((session) => listSyncPeers(session)),
    readAwaited: (writes) => executor.read((session) => readAwaited(session, writes)),
    readBacklogs: () => executor.read((session) => readBacklogs(session)),
    countBacklog: (peer, countedMax) => executor.read((session) => countBacklog(session, peer, countedMax)),
    giveUpBacklog: (peer, how) => executor.write((session) => giveUpBacklog(session, peer, how)),
    // Asked once a second of each peer: mostly there is nothing to write.
    beginResync: async (peer, forwardAfterMs) => {
      if (!(await executor.read((session) => isToBeCompared(session, peer, forwardAfterMs)))) return undefined;
      return executor.write((session) => beginResync(session, peer, forwardAfterMs));
    },
    endResync: (peer, begun) => executor.write((session) => endResync(session, peer, begun)),
    tellPeerAway: (peer, isAway, detail) => executor.write((session) => tellPeerAway(session, peer, isAway, detail)),
  };
}

export function conflictVerbs(executor: Executor): ConflictCatalog {
  return {
    listConflicts: (query) => executor.read((session) => listConflicts(session, query)),
    readConflict: (object) => executor.read((session) => readConflict(session, object)),
    recordAmong: (change) => executor.tell((session) => recordAmong(session, change)),
  };
}
