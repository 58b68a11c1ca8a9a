import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { upload } from '../../src/client/upload.ts';
import type { UploadStep } from '../../src/engine/uploads/upload-types.ts';
import { ruleOver } from '../../src/testing/catalog-contract/rules-harness.ts';
import type { Transfer, TransferTool } from '../../src/ports/transfer-tool.ts';
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
  for (const { name, store, state, reason } of await catalog.listRequests({ limit: 10 }))
    say(`      request  ${name} to ${titleOf(store)}: ${state} (${reason})`);
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
        return;
      case 'protocol-failed':
        say(`5. ${step.object.name} by ${step.protocol} fails: ${step.why}`);
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
  const catalog = await pando.catalog();
  await sayState('state before');
  const target = { kind: 'collection', ...DATASET } as const;
  const added = await catalog.addRule({
    ...ruleOver({ name: SCOPE, source: '', near: '', far: '' }, { account: 'jdoe' }),
    targets: [target],
    expression: 'MIRROR',
  });
  say(`1. the rule is created (${added.kind})`);
  await sayState('state after');

  const { evaluateRules } = await import('../../src/engine/rules/evaluate-rules.ts');
  const ports = await pando.rulePorts();
  const { signal } = new AbortController();
  await evaluateRules(ports, { owner: 'worker', signal });
  say('2. requests are queued for each file');
  await sayState('state after');

  const log = new TransferLog();
  const tools = ports.tools.map((tool) => log.listenTo(tool));
  // No waiting between attempts: what is left to chance is nothing.
  const random = { ...ports.random, fraction: () => 0 };
  const { keepRules } = await import('../../src/engine/rules/keep-rules.ts');
  await keepRules({ ...ports, tools, random }, { owner: 'worker', until: 'idle', signal, exceptScopes: [] });
  for (const line of log.lines()) say(line);
  await sayState('state after');
  expect(readFileSync(join(doors.root, 'mirror/test/user.jdoe/file.1'), 'utf8')).toBe('the bytes of test.file.1');
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('transcripts/rule.txt');
});

/** What transfer tools were given, and what they told of it, by destination. */
class TransferLog {
  readonly #keys = new Map<string, string>();
  readonly #lines = new Map<string, string[]>();

  listenTo(tool: TransferTool): TransferTool {
    tool.onReport(({ id, outcome }) => {
      const told = outcome.kind === 'failed' ? `failed: ${outcome.failed.at(-1)?.why}` : outcome.kind;
      this.#note(this.#keys.get(id) ?? id, `6. ${tool.name} tells that it ${told}`);
    });
    return new Proxy(tool, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (key !== 'submit') return typeof value === 'function' ? value.bind(target) : value;
        return (batch: readonly Transfer[]) => {
          for (const { attempt, destination, sources } of batch) {
            this.#keys.set(tool.idOf(attempt), destination.key);
            this.#note(destination.key, `3-4. destination ${destination.url}`);
            this.#note(
              destination.key,
              `5. submitted to ${tool.name}, from ${sources.map(({ url }) => url).join(', ')}`,
            );
          }
          return target.submit(batch);
        };
      },
    });
  }

  lines(): string[] {
    return [...this.#lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines);
  }

  #note(key: string, line: string): void {
    this.#lines.set(key, [...(this.#lines.get(key) ?? []), line]);
  }
}
