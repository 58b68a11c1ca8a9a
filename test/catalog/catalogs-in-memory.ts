import { DatabaseSync } from 'node:sqlite';
import { openSqliteInProcess } from '../../src/catalog/sqlite-in-process.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** A catalog that `openSqliteInProcess` opens by its path, and that is there for as long as somebody has it open. */
export interface CatalogInMemory {
  readonly path: string;
  readonly database: DatabaseSync;
}

let made = 0;
let template: Promise<CatalogInMemory> | undefined;

/** One that no site has had yet: the first is made by all migrations, each other one is a copy of it. */
export async function emptyInMemory(): Promise<CatalogInMemory> {
  template ??= makeTemplate();
  return copyInMemory((await template).database);
}

export function copyInMemory(database: DatabaseSync): CatalogInMemory {
  const copy = openInMemory();
  database.exec(`vacuum into '${copy.path}'`);
  return copy;
}

function openInMemory(): CatalogInMemory {
  const path = `file:/pando-in-memory-${++made}?vfs=memdb`;
  return { path, database: new DatabaseSync(path) };
}

async function makeTemplate(): Promise<CatalogInMemory> {
  const { path, database } = openInMemory();
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: () => Promise.resolve(), alarm: () => () => {} };
  const random = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 };
  const catalog = await openSqliteInProcess({ path, clock, random, boot: '', schedule: queueMicrotask });
  await catalog[Symbol.asyncDispose]();
  database.exec('delete from site');
  return { path, database };
}
