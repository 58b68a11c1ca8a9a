/** A defect put into the engine on purpose; the simulation has to find it. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly from: string;
  readonly to: string;
  /** One of the first seeds, which finds it. */
  readonly foundBy?: number;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'entries leave the outbox before the peer has answered',
    foundBy: 1,
    file: 'src/engine/sites/peer-stream.ts',
    from: `    let answer: SentAnswer;
    try {`,
    to: `    let answer: SentAnswer;
    await this.#settle(lines.flatMap((line) => line.places.map((place) => ({ ...place, to: { kind: 'acknowledged' } }))));
    try {`,
  },
  {
    name: 'a batch whose answer is lost counts as taken',
    file: 'src/engine/sites/peer-stream.ts',
    from: "      if (!(error instanceof PeerError) || error.kind !== 'refused') throw error;",
    to: "      if (!(error instanceof PeerError) || error.kind !== 'refused') return this.#settle(lines.flatMap((line) => this.#outcomeOf(line, { kind: 'applied' }, undefined)));",
  },
  {
    name: 'of two versions the earlier one wins',
    foundBy: 1,
    file: 'src/domain/journal/join.ts',
    from: 'return byTime > 0;',
    to: 'return byTime < 0;',
  },
  {
    name: 'a delete wins over a put that did not see it',
    file: 'src/domain/journal/join.ts',
    from: 'if (a.isTombstone !== b.isTombstone) return b.isTombstone;',
    to: 'if (a.isTombstone !== b.isTombstone) return a.isTombstone;',
  },
  {
    name: 'a version that was followed is put beside what followed it',
    file: 'src/domain/object/dot.ts',
    from: "if (hasSeen(b.context, a.dot)) return 'before';",
    to: "if (hasSeen(b.context, a.dot)) return 'concurrent';",
  },
  {
    name: 'an entry whose bytes are still wanted is considered',
    foundBy: 1,
    file: 'src/catalog/sites/decide-entries.ts',
    from: "outcome: { kind: 'bytes-wanted' }, isConsidered: false }",
    to: "outcome: { kind: 'bytes-wanted' }, isConsidered: true }",
  },
  {
    name: 'a write here forgets the siblings it ends',
    foundBy: 19,
    file: 'src/catalog/sites/end-siblings.ts',
    from: 'found && withSiblings(found.current, siblings.get(found.id) ?? [])',
    to: 'found && (siblings.size < 0 ? withSiblings(found.current, []) : found.current)',
  },
  {
    name: 'of entries that go as one line the earlier one goes',
    file: 'src/engine/sites/lane-queue.ts',
    from: 'this.#lines.set(key, { ...line, places:',
    to: 'this.#lines.set(key, { ...before, places:',
  },
  {
    name: 'what arrived is not forwarded',
    file: 'src/catalog/sites/apply-entries.ts',
    from: 'if (this.#forwarded.length > 0) {',
    to: 'if (this.#forwarded.length > 1000) {',
  },
  {
    name: 'what arrived is sent to sites that have it',
    file: 'src/catalog/sites/append-entries.ts',
    from: 'entry.addressed?.includes(site) !== true',
    to: 'entry.addressed?.length !== 0',
  },
  {
    name: 'bytes are recorded before they are flushed',
    file: 'src/engine/sites/publish-together.ts',
    from: 'await storage.flush(staged);',
    to: 'await Promise.resolve();',
  },
  {
    name: 'bytes that arrive are not compared with what they should be',
    file: 'src/engine/sites/site-store.ts',
    from: 'if (size === content.size && (content',
    to: 'if (size >= 0 || size === content.size && (content',
  },
  {
    name: 'bytes are taken up and not written down',
    file: 'src/engine/sites/receive-entries.ts',
    from: 'if (large.length > 0) await catalog.takeUp(batch.from, large);',
    to: 'if (large.length > 1000) await catalog.takeUp(batch.from, large);',
  },
  {
    name: 'the incarnation is kept after a restore',
    foundBy: 11,
    file: 'src/catalog/sites/lives.ts',
    from: 'if ((told.get(actor) ?? 0) <= counter) continue;',
    to: 'if (counter >= 0) continue;',
  },
  {
    name: 'a peer that has lost what it answered is not compared',
    foundBy: 8,
    file: 'src/engine/sites/say-hello.ts',
    from: 'before !== undefined && receipt >= before',
    to: 'before !== undefined',
  },
  {
    name: 'what is written in the presence of losers of its own actor follows them',
    file: 'src/catalog/sites/lives.ts',
    from: 'if (versions.some(({ dot }) => dot.actor === String(slot.actor)))',
    to: 'if (versions.some(({ dot }) => dot.actor === ` ${slot.actor}`))',
  },
  {
    name: 'a write that has seen only what is served follows what lost as well',
    foundBy: 11,
    file: 'src/engine/sites/write-among.ts',
    from: 'follows: sees.filter((id) => !others.has(id)) }',
    to: 'follows: sees }',
  },
  {
    name: 'a write does not look whether it was made before',
    file: 'src/catalog/record/decide-change.ts',
    from: 'if (madeBefore !== undefined) return',
    to: 'if (madeBefore === -1) return',
  },
  {
    name: 'a peer that has only taken up the bytes counts as one that has them',
    foundBy: 2,
    file: 'src/catalog/sites/awaited.ts',
    from: "return state < DEAD ? 'waits' : 'refused';",
    to: "return state === 0 ? 'waits' : 'nothing';",
  },
  {
    name: 'what is not in the queue of a peer is taken for what it has',
    file: 'src/domain/journal/awaited-copies.ts',
    from: '(peer.isSettled || wasQueued(peer.name))',
    to: '(peer.isSettled || wasQueued(peer.name) || peer.name.length > 0)',
  },
  {
    name: 'a queue is given up, and the peer is not compared',
    foundBy: 9,
    file: 'src/catalog/sites/backlogs.ts',
    from: 'resync: GIVEN_UP, marked_ms',
    to: 'resync: IN_LINE, marked_ms',
  },
  {
    name: 'a comparison begins while changes are still not queued',
    foundBy: 1,
    file: 'src/catalog/sites/backlogs.ts',
    from: '.set({ resync: TO_COMPARE, ',
    to: '.set({ resync: GIVEN_UP, ',
  },
  {
    name: 'what another site was to tell a peer is never looked for',
    file: 'src/catalog/sites/passed-over.ts',
    from: 'if (sites.size === 0) return;',
    to: 'if (sites.size >= 0) return;',
  },
];

/** The source with the defect in it. */
export function mutate({ name, from, to }: Mutation, source: string): string {
  if (source.split(from).length !== 2)
    throw new Error(
      `"${name}": its place in the source is not to be found: say it anew in test/simulation/mutations.ts`,
    );
  // No patterns in what takes its place.
  return source.replace(from, () => to);
}
