import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { LeaseClaim, StoreLease } from '../../ports/storage.ts';
import { type Contract, expectKind, inChunks, listAll, patternBytes, putObject, unknownMark } from './harness.ts';

const T0 = 1_800_000_000_000;
const LEASE_MS = 30_000;

/** Duties of `clean` and `lease`. */
export function describeLeftovers(contract: Contract): void {
  describe('clean', () => {
    it('takes away what a writer staged that is gone, and no object', async () => {
      const { storage, reopen, countLeftovers } = contract.store();
      const prefix = contract.prefix();
      await putObject(storage, `${prefix}stays`, patternBytes(10));
      const other = await reopen();
      await other.stage(`${prefix}small`, patternBytes(10), { attributes: {}, mark: unknownMark() });
      const large = patternBytes(contract.partBytes + 10);
      await other.stage(`${prefix}large`, inChunks(large), { attributes: {}, mark: unknownMark(), size: large.length });
      await other[Symbol.asyncDispose]();
      await storage.clean();
      expect(await countLeftovers()).toBe(0);
      expect((await listAll(storage, prefix)).keys).toEqual([`${prefix}stays`]);
    });

    it('leaves alone what a writer that lives has staged', async () => {
      const { storage, reopen } = contract.store();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(contract.partBytes + 10);
      const staged = await storage.stage(key, inChunks(bytes), {
        attributes: {},
        mark: unknownMark(),
        size: bytes.length,
      });
      await using other = await reopen();
      await other.clean();
      await storage.flush([staged]);
      await storage.publish([{ staged, options: {} }]);
      expect((await storage.head(key)).size).toBe(bytes.length);
    });
  });

  describe('lease', () => {
    it('is taken once, and the next one is told who holds it since when', async () => {
      await using other = await contract.store().reopen();
      const lease = await take(contract, claimOf('first', T0));
      expect(await other.lease(claimOf('second', T0 + 1000))).toEqual({ heldBy: 'first', sinceMs: T0 });
      await lease.release();
      const next = (await other.lease(claimOf('second', T0 + 2000))) as StoreLease;
      await next.release();
    });

    it('is held as long as it is renewed', async () => {
      const lease = await take(contract, claimOf('first', T0));
      await lease.renew(T0 + 25_000);
      expect(await contract.storage().lease(claimOf('second', T0 + 40_000))).toMatchObject({ heldBy: 'first' });
      await lease.release();
    });

    it('that is over is taken by the next, and the first one learns it', async () => {
      await using other = await contract.store().reopen();
      const first = await take(contract, claimOf('first', T0));
      const second = (await other.lease(claimOf('second', T0 + LEASE_MS))) as StoreLease;
      await expectKind(first.renew(T0 + LEASE_MS + 1), 'precondition-failed');
      await first.release();
      expect(await contract.storage().lease(claimOf('third', T0 + LEASE_MS + 2))).toMatchObject({ heldBy: 'second' });
      await second.release();
    });

    it('of a holder that died on this host is taken at once', async () => {
      const dead = spawnSync('true').pid;
      const process = { host: hostname(), pid: dead, startedMs: T0 };
      await take(contract, { ...claimOf('dead', T0), process });
      const next = await take(contract, claimOf('next', T0 + 1));
      await next.release();
    });

    it('of a holder on another host is respected, whatever runs under its number here', async () => {
      const dead = spawnSync('true').pid;
      const lease = await take(contract, {
        ...claimOf('far', T0),
        process: { host: 'far.invalid', pid: dead, startedMs: T0 },
      });
      expect(await contract.storage().lease(claimOf('near', T0 + 1))).toMatchObject({ heldBy: 'far' });
      await lease.release();
    });

    it('claimed by 8 at once is given to one, where that is enforced', async () => {
      const storage = contract.storage();
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, i) => storage.lease(claimOf(`claimant ${i}`, T0))),
      );
      const leases = claims.filter((claim): claim is StoreLease => 'release' in claim);
      if (storage.capabilities.conditionalPut === 'enforced') expect(leases.length).toBe(1);
      for (const lease of leases) await lease.release();
    });
  });
}

function claimOf(holder: string, nowMs: number): LeaseClaim {
  return { holder, process: { host: hostname(), pid: process.pid, startedMs: T0 }, leaseMs: LEASE_MS, nowMs };
}

async function take(contract: Contract, claim: LeaseClaim): Promise<StoreLease> {
  const lease = await contract.storage().lease(claim);
  expect(lease).toHaveProperty('release');
  return lease as StoreLease;
}
