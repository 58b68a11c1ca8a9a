import { describe, expect, it, vi } from 'vitest';
import { type CatalogContract, sleep } from './harness.ts';

/** Longer than it takes until a commit is told. */
const TOLD_MS = 150;

/** Who looks for what is due hears when there may be something (docs/catalog.md, "What wakes a worker"). */
export function describeDueBell(contract: CatalogContract): void {
  describe('who listens for what is due', () => {
    it('is told after a commit that queued something, and finds it', async () => {
      const scope = await contract.openScope();
      const found: number[] = [];
      const silence = contract.catalog.onDue(() => void contract.claim(scope).then((some) => found.push(some.length)));
      await contract.queueCopy(scope, 'a');
      await vi.waitFor(() => expect(found).toContain(1));
      silence();
    });

    it('is not told of looks that found nothing, of leases, nor of what is only written down', async () => {
      const { catalog } = contract;
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [request] = await contract.claim(scope);
      const heard = await hearing(contract);
      await contract.claim(scope);
      await catalog.renewRequests([request?.lease ?? { requestId: 0, token: 0 }], 60_000);
      await catalog.claimRules({ owner: 'worker', limit: 0, leaseMs: 1_000 });
      await catalog.recordEvents([{ kind: 'looked', scope: scope.name, detail: '' }]);
      await catalog.endClaims([]);
      await sleep(TOLD_MS);
      expect(heard.count()).toBe(0);
      heard.silence();
    });

    it('is told no more once it has said so, and others still are', async () => {
      const scope = await contract.openScope();
      const [one, other] = [await hearing(contract), await hearing(contract)];
      one.silence();
      await contract.queueCopy(scope, 'a');
      await vi.waitFor(() => expect(other.count()).toBeGreaterThan(0));
      other.silence();
      expect(one.count()).toBe(0);
    });
  });
}

/** What was told when it began to listen is over. */
export async function hearing(contract: CatalogContract) {
  let heard = 0;
  const silence = contract.catalog.onDue(() => heard++);
  await sleep(TOLD_MS);
  heard = 0;
  return { count: () => heard, silence };
}
