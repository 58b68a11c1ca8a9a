import { copyPage } from '../../src/engine/sync/copy-page.ts';
import { readPage } from '../../src/engine/verify/read-page.ts';
import type { CopyPage } from '../../src/ports/copy-pool.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { InProcessPool } from '../../src/transfer-tools/in-process-pool.ts';
import { LocalTool } from '../../src/transfer-tools/local/local-tool.ts';

export interface OpenLocal {
  readonly slots?: number;
  readonly readBack?: boolean;
  /** Sees each page before it is carried out. */
  readonly onPage?: (page: CopyPage) => void;
}

/** The local tool over these stores, in this thread. */
export function openLocal(
  stores: readonly Storage[],
  { slots = 2, readBack = false, onPage }: OpenLocal = {},
): LocalTool {
  const [source] = stores;
  if (source === undefined) throw new Error('no stores');
  const deps = { clock: systemClock, itemsAtOnce: 4 };
  const pool = new InProcessPool(slots, {
    copy: (page, guards) => {
      onPage?.(page);
      return copyPage({ ...deps, source, targets: stores, ...guards }, page);
    },
    read: (page, guards) => readPage({ ...deps, stores: [source, ...stores], ...guards }, page),
  });
  return new LocalTool({ pool, stores: stores.map(({ place }) => place), readBack });
}
