import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { connectCatalog } from '../../src/catalog/catalog-rpc.ts';
import { expectKind } from '../../src/testing/catalog-contract/harness.ts';

const opened = "require('node:worker_threads').parentPort.postMessage([{ id: 0, ok: true, value: 'test:' }]);";

describe('a catalog whose thread dies', () => {
  it('fails every call that waits, and every one after', async () => {
    const dying = `${opened} require('node:worker_threads').parentPort.once('message', () => { throw new Error('out of memory'); });`;
    const catalog = await connectCatalog(new Worker(dying, { eval: true }));
    await Promise.all([expectKind(catalog.status(), 'unavailable'), expectKind(catalog.site(), 'unavailable')]);
    await expectKind(catalog.status(), 'unavailable');
    await expect(catalog.status()).rejects.toThrow('out of memory');
    await catalog[Symbol.asyncDispose]();
  });

  it('while it opens cannot be opened', async () => {
    await expectKind(connectCatalog(new Worker('process.exit(1)', { eval: true })), 'unavailable');
  });
});

describe('a call with what cannot cross a thread', () => {
  it('fails alone', async () => {
    const answering = `${opened} const { parentPort } = require('node:worker_threads');
      parentPort.on('message', (calls) => {
        parentPort.postMessage(calls.map(({ id }) => ({ id, ok: true, value: 7 })));
        if (calls.some(({ verb }) => verb === 'close')) parentPort.close();
      });`;
    const catalog = await connectCatalog(new Worker(answering, { eval: true }));
    await expectKind(catalog.recordEvents([{ kind: (() => {}) as never, scope: '', detail: '' }]), 'failed');
    expect(await catalog.prune(1)).toBe(7);
    await catalog[Symbol.asyncDispose]();
  });
});
