import { closeSync, constants, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes the root of a store and what is missing above it, each durable in the directory it lies in (docs/stores.md, "Type file"). */
export function makeRoot(basePath: string): void {
  const root = resolve(basePath);
  const first = mkdirSync(root, { recursive: true });
  if (first === undefined) return;
  for (let made = root; ; made = dirname(made)) {
    flushDirectory(dirname(made));
    if (made === first) return;
  }
}

function flushDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
