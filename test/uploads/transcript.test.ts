import { afterEach, beforeEach, expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { upload } from '../../src/client/upload.ts';
import { evaluateRules } from '../../src/engine/rules/evaluate-rules.ts';
import type { RuleWorkPorts } from '../../src/engine/rules/keep-rules.ts';
import { runTransfers } from '../../src/engine/transfers/run-transfers.ts';
import type { UploadStep } from '../../src/engine/uploads/upload-types.ts';
import { ruleOver } from '../../src/testing/catalog-contract/rules-harness.ts';
import type { Transfer, TransferTool } from '../../src/ports/transfer-tool.ts';
import type { FaultyStorage } from '../../src/testing/faulty-storage.ts';
import { Doors, FaultyPando } from './faulty-doors.ts';

const SCOPE = 'user.jdoe';
const DATASET = { scope: SCOPE, name: 'test.dataset' };
const NAMES = ['test.file.1', 'test.file.2'];

/** Two stores; each is reached by three protocols, of which the first fails and the second damages what it writes. */
const CONFIGURATION = `
profiles:
  ORIGIN:
    storage_provider: {type: file, options: {base_path: origin}}
    paths: {algorithm: hash}
    domains: {wan: {read: 0, write: 2, delete: 0}}
    protocols:
      - {name: https, storage_provider: {type: file, options: {base_path: origin-https}}, domains: {wan: {write: 0}}}
      - {name: davs, storage_provider: {type: file, options: {base_path: origin-davs}}, domains: {wan: {write: 1}}}
  MIRROR:
    storage_provider: {type: file, options: {base_path: mirror}}
    paths: {algorithm: naming}
    domains: {wan: {read: 0, write: 2, delete: 0}}
    protocols:
      - {name: https, storage_provider: {type: file, options: {base_path: mirror-https}}, domains: {wan: {write: 0}}}
      - {name: davs, storage_provider: {type: file, options: {base_path: mirror-davs}}, domains: {wan: {write: 1}}}
`;

let doors: Doors;
let pando: FaultyPando;
let lines: string[];

beforeEach(async () => {
  doors = new Doors();
  doors.open('origin', 'mirror', 'origin-https', 'origin-davs', 'mirror-https', 'mirror-davs');
  pando = new FaultyPando(doors.configure(CONFIGURATION));
  for (const store of ['ORIGIN', 'MIRROR']) {
    (await pando.door(store, 'https')).faults = { fail: { kind: 'unavailable' } };
    (await pando.door(store, 'davs')).faults = { corruptStagedAt: 3 };
  }
  lines = [];
});
afterEach(async () => {
  await pando[Symbol.asyncDispose]();
  doors[Symbol.dispose]();
});

function say(line: string): void {
  lines.push(line.replaceAll(doors.root, '/VO').replaceAll(/\.pando\/staging\/\S+/g, '.pando/staging/…'));
}

/** Everything the catalog knows of dataset, objects, rules and requests at this moment. */
async function sayState(title: string): Promise<void> {
  const catalog = await pando.catalog();
  say(`    ${title}:`);
  const dataset = await catalog.readCollection(DATASET);
  say(`      dataset  ${dataset === undefined ? 'none' : `${DATASET.name}: ${dataset.members} members`}`);
  for (const name of NAMES) {
    const object = await catalog.readObject(SCOPE, name);
    const replicas = object?.replicas.map(({ store, state, place }) => `${titleOf(store)} ${state} /${place}`);
    if (object !== undefined) say(`      replica  ${name}: ${replicas?.join(', ') || 'none'}`);
  }
  for (const { id, targets, expression, state, counts } of await catalog.listRules({ limit: 10 })) {
    const what = targets.map((target) => ('name' in target ? target.name : target.pattern)).join(', ');
    const { ok, replicating, stuck } = counts;
    say(
      `      rule ${id}   ${what} at ${expression}: ${state}, locks ${ok} OK, ${replicating} REPLICATING, ${stuck} STUCK`,
    );
  }
  for (const { id, name, store, state, reason } of await catalog.listRequests({ limit: 10 })) {
    const attempts = await catalog.readAttempts([id]);
    const failed = attempts.map(({ protocol, outcome, failure }) => `${protocol} ${outcome}: ${failure?.kind}`);
    const after = failed.length === 0 ? '' : `, after ${failed.join(', ')}`;
    say(`      request  ${name} to ${titleOf(store)}: ${state} (${reason})${after}`);
  }
}

function titleOf(place: string): string {
  return pando.stores().get(place)?.name ?? place;
}

async function uploadFiles(): Promise<void> {
  const paths = NAMES.map((name) => doors.write(name, `the bytes of ${name}`));
  const onStep = async (step: UploadStep): Promise<void> => {
    switch (step.kind) {
      case 'dataset-registered':
        say(`1. the dataset ${step.dataset.scope}:${step.dataset.name} is ${step.isNew ? 'registered' : 'known'}`);
        return sayState('state after');
      case 'store-chosen': {
        const how = step.isDeterministic ? 'deterministic' : 'non-deterministic';
        say(`2. ${step.store}: write protocols ${step.protocols.join(', ')}; ${how} paths by ${step.algorithm}`);
        return;
      }
      case 'registered':
        say(`3. ${step.object.name} is registered`);
        return sayState('state after');
      case 'sending':
        say(`4. ${step.object.name} by ${step.protocol}: ${step.url}`);
        return sayState('state as it is sent');
      case 'protocol-failed':
        say(`5. ${step.object.name} by ${step.protocol} fails: ${step.why}`);
        // It is recorded next, and told with the step that follows.
        return;
      case 'ended':
        say(`6. ${step.file.name}: ${step.file.state} by ${step.file.protocol}`);
        return sayState('state after');
      case 'hashed':
      case 'sent-bytes':
        return;
    }
  };
  await sayState('state before');
  // One at a time, so that the transcript is the same every time.
  const result = await upload({ pando, account: 'jdoe', scope: SCOPE }, paths, {
    dataset: 'test.dataset',
    store: 'ORIGIN',
    transfers: 1,
    onStep,
  });
  expect(result.files.map(({ state }) => state)).toEqual(['uploaded', 'uploaded']);
  say('7. all files are uploaded');
  await sayState('state after');
}

test('a replica is uploaded with the command line client', async () => {
  await uploadFiles();
  expect(readFileSync(join(doors.root, 'origin/07/7c/user.jdoe/test.file.1'), 'utf8')).toBe('the bytes of test.file.1');
  const traits = await (await pando.catalog()).readTraits({ scope: SCOPE, name: 'test.file.1' });
  expect(traits).toMatchObject({ rightsHolder: 'jdoe', format: undefined });
  expect(titleOf(traits?.authority ?? '')).toBe('ORIGIN');
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('transcripts/upload.txt');
});

test('a replica is created by a replication rule', async () => {
  await uploadFiles();
  lines = [];
  await sayState('state before');
  const added = await addRule();
  say(`1. the rule is created (${added.kind})`);
  await sayState('state after');

  const ports = await pando.rulePorts();
  const { signal } = new AbortController();
  await evaluateRules(ports, { owner: 'worker', signal });
  say('2. requests are queued for each file');
  await sayState('state after');

  // No waiting between attempts: what is left to chance is nothing. One at a time, so that each step has a state of its own.
  const random = { ...ports.random, fraction: () => 0 };
  const told = { ...ports, random, catalog: tellSteps(ports.catalog), tools: ports.tools.map(tellTransfers) };
  await runTransfers(told, { owner: 'worker', until: 'idle', inFlightMax: 1 });
  expect(readFileSync(join(doors.root, 'mirror/test/user.jdoe/file.1'), 'utf8')).toBe('the bytes of test.file.1');
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('transcripts/rule.txt');
});

test('several files are uploaded at once, and so are several copied', async () => {
  for (const store of ['ORIGIN', 'MIRROR'])
    for (const protocol of ['https', 'davs']) (await pando.door(store, protocol)).faults = {};
  const paths = NAMES.map((name) => doors.write(name, `the bytes of ${name}`));
  const uploaded = meetAt(await pando.door('ORIGIN', 'https'));
  await upload({ pando, account: 'jdoe', scope: SCOPE }, paths, {
    dataset: 'test.dataset',
    store: 'ORIGIN',
    transfers: 2,
  });
  expect(await uploaded).toEqual(['SUBMITTED COPYING', 'SUBMITTED COPYING']);
  await addRule();
  const copied = meetAt(await pando.door('MIRROR', 'https'));
  await pando.keepRules({ owner: 'worker', until: 'idle', exceptScopes: [] });
  expect(await copied).toEqual(['SUBMITTED COPYING', 'SUBMITTED COPYING']);
  expect(readdirSync(join(doors.root, 'mirror/test/user.jdoe')).toSorted()).toEqual(['file.1', 'file.2']);
});

async function addRule() {
  const target = { kind: 'collection', ...DATASET } as const;
  const words = ruleOver({ name: SCOPE, source: '', near: '', far: '' }, { account: 'jdoe' });
  return (await pando.catalog()).addRule({ ...words, targets: [target], expression: 'MIRROR' });
}

/** Nothing is written to a store until both files are to be; then the states of their requests and of the replicas there are told. */
function meetAt(door: FaultyStorage): Promise<readonly string[]> {
  const met = Promise.withResolvers<readonly string[]>();
  const stage = door.stage.bind(door);
  let arrived = 0;
  door.stage = async (...staged) => {
    if (++arrived === NAMES.length) met.resolve(await statesAtWork());
    await met.promise;
    return stage(...staged);
  };
  return met.promise;
}

async function statesAtWork(): Promise<readonly string[]> {
  const catalog = await pando.catalog();
  const requests = await catalog.listRequests({ limit: 10 });
  return Promise.all(
    requests.map(async ({ name, state, store }) => {
      const object = await catalog.readObject(SCOPE, name);
      return `${state} ${object?.replicas.find((one) => one.store === store)?.state}`;
    }),
  );
}

/** Requests that are picked up, and what is recorded of transfers that are over. */
function tellSteps(catalog: RuleWorkPorts['catalog']): RuleWorkPorts['catalog'] {
  const claimRequests: typeof catalog.claimRequests = async (claim) => {
    const claimed = await catalog.claimRequests(claim);
    for (const { name } of claimed) say(`3. the request for ${name} is picked up`);
    return claimed;
  };
  const settleTransfers: typeof catalog.settleTransfers = async (outcomes) => {
    const settled = await catalog.settleTransfers(outcomes);
    await sayState('state after');
    return settled;
  };
  const told = { claimRequests, settleTransfers };
  return new Proxy(catalog, {
    get: (target, key) =>
      Object.hasOwn(told, key) ? told[key as keyof typeof told] : Reflect.get(target, key, target),
  });
}

/** What a transfer tool is given, and what it tells. */
function tellTransfers(tool: TransferTool): TransferTool {
  tool.onReport(({ outcome }) => {
    const told = outcome.kind === 'failed' ? `failed: ${outcome.failed.at(-1)?.why}` : outcome.kind;
    say(`6. ${tool.name} tells that it ${told}`);
  });
  return new Proxy(tool, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'submit') return typeof value === 'function' ? value.bind(target) : value;
      return async (batch: readonly Transfer[]) => {
        for (const { destination, sources } of batch) {
          say(`4. its destination is ${destination.url}`);
          say(`5. it is submitted to ${tool.name}, from ${sources.map(({ url }) => url).join(', ')}`);
        }
        await sayState('state as it is submitted');
        return target.submit(batch);
      };
    },
  });
}
