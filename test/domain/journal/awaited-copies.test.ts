import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAwaited, type PeerStanding } from '../../../src/domain/journal/awaited-copies.ts';

const standing = fc.record<PeerStanding>({
  name: fc.string(),
  queue: fc.constantFrom('nothing', 'waits', 'refused'),
  isAway: fc.boolean(),
  isSettled: fc.boolean(),
});
const numbered = fc
  .array(standing, { maxLength: 5 })
  .map((peers) => peers.map((peer, at) => ({ ...peer, name: `${at}` })));

const peer = (name: string, of: Partial<PeerStanding> = {}): PeerStanding => ({
  name,
  queue: 'nothing',
  isAway: false,
  isSettled: true,
  ...of,
});
const nobody = (): boolean => false;
const has = peer('has');
const waits = peer('waits', { queue: 'waits' });
const away = peer('away', { queue: 'waits', isAway: true });
const refused = peer('refused', { queue: 'refused' });

describe('a write that waits for peers', () => {
  it.each<[peers: readonly PeerStanding[], copies: number | undefined, kind: string, names?: readonly string[]]>([
    [[], undefined, 'held'],
    [[], 2, 'held'],
    [[has, has], undefined, 'held'],
    [[has, waits], undefined, 'pending', ['waits']],
    [[has, waits], 1, 'held'],
    [[has, away], 1, 'held'],
    [[has, away], 3, 'later', ['away']],
    [[waits, away], undefined, 'later', ['away']],
    [[waits, away], 1, 'pending', ['waits']],
    [[refused, away], undefined, 'refused', ['refused']],
    [[refused, waits, away], 2, 'later', ['away']],
    [[refused, has], 1, 'held'],
    [[refused, has], undefined, 'refused', ['refused']],
  ])('%j of which %j are to have it is %s', (peers, copies, kind, names) => {
    expect(judgeAwaited(peers, copies, nobody)).toEqual({ kind, ...(names === undefined ? {} : { peers: names }) });
  });

  it('is held by a peer that nothing is known of only where it was queued for it', () => {
    const fresh = peer('new', { isSettled: false });
    expect(judgeAwaited([fresh], undefined, nobody)).toEqual({ kind: 'pending', peers: ['new'] });
    expect(judgeAwaited([fresh], undefined, (name) => name === 'new')).toEqual({ kind: 'held' });
    const givenUp = { ...fresh, isAway: true };
    expect(judgeAwaited([givenUp], undefined, nobody)).toEqual({ kind: 'later', peers: ['new'] });
  });

  it('is never held by fewer peers than are to have it', () => {
    fc.assert(
      fc.property(numbered, fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }), (peers, copies) => {
        const held = peers.filter(({ queue, isSettled }) => queue === 'nothing' && isSettled).length;
        const needed = Math.min(copies ?? peers.length, peers.length);
        const { kind } = judgeAwaited(peers, copies, nobody);
        expect(kind === 'held').toBe(held >= needed);
      }),
    );
  });
});
