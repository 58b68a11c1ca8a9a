import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { AT_SERVER } from '../../src/config/surroundings.ts';
import { FrameReader } from '../../src/domain/command-frames.ts';
import { type Ran, type RunOptions, Sandbox } from '../cli/sandbox.ts';
import { signal } from '../faults/signals.ts';
import { ServerProcess } from './server-process.ts';

const CONFIGURATION =
  'profiles:\n  lab:\n    storage_provider: {type: file, options: {base_path: lab}}\n' +
  '    replicas: [{replica_profile: copy, read_priority: 1}]\n' +
  '  copy:\n    storage_provider: {type: file, options: {base_path: copy}}\n';

describe('of a command that a server carries out', { timeout: 120_000 }, () => {
  let server: ServerProcess;
  let box: Sandbox;
  beforeEach(async () => {
    server = await ServerProcess.start({ config: CONFIGURATION, directories: ['lab', 'copy'] });
    box = new Sandbox();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    box[Symbol.dispose]();
  });
  const there = (args: readonly string[], { env = {}, ...options }: RunOptions = {}): Promise<Ran> =>
    box.run(args, { ...options, env: { PANDO_SERVER: server.url, ...env } });
  const ask = (args: readonly string[], signal?: AbortSignal): Promise<Response> =>
    server.fetch('/admin/commands', {
      method: 'POST',
      body: `${JSON.stringify({ args })}\n`,
      ...(signal === undefined ? {} : { signal }),
    });
  const addPeer = (): Promise<Response> => ask(['peer', 'add', 'http://127.0.0.1:9', '--name', 'away']);

  it('nothing is left half done when the server is killed', async () => {
    expect(await addPeer().then((answer) => answer.text())).toContain('away is a peer');
    const slowly = ['sh', '-c', '(printf beginning; sleep 8) | exec "$@"', 'sh'];
    const puts = there(['put', '-', 'lab:half'], { before: slowly });
    const waits = there(['peer', 'wait', 'away'], { before: ['env'] });
    await expect.poll(() => childrenOf(server.pid).length, { timeout: 20_000 }).toBe(2);
    const children = childrenOf(server.pid);
    onTestFinished(() => {
      for (const pid of children.filter(isAlive)) signal(Number(pid), 'SIGKILL');
    });
    await sleep(1_500);
    await server.end('SIGKILL');
    for (const ran of await Promise.all([puts, waits]))
      expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('it may have been carried out') as string });
    await expect.poll(() => children.filter(isAlive), { timeout: 20_000 }).toEqual([]);
    await using again = await ServerProcess.start({ root: server.root });
    const listed = await box.run(['ls', 'lab:'], { env: { PANDO_SERVER: again.url } });
    expect(listed).toMatchObject({ code: 0, stdout: '' });
  });

  it('what is handed on without the word at its end is not taken for whole', async () => {
    box.write({ 'pando.yaml': CONFIGURATION });
    mkdirSync(join(box.root, 'lab'));
    const put = (input: string) => box.run(['put', '-', 'lab:half'], { input, env: { [AT_SERVER]: 'seal' } });
    expect((await put('beginning')).code).not.toBe(0);
    expect(readdirSync(join(box.root, 'lab'))).not.toContain('half');
    expect(await put('whole seal')).toMatchObject({ code: 0 });
    expect(readFileSync(join(box.root, 'lab/half'), 'utf8')).toBe('whole ');
  });

  it('it is told that it goes on while it says nothing', async () => {
    await (await addPeer()).text();
    const gone = new AbortController();
    const { body } = await ask(['peer', 'wait', 'away'], gone.signal);
    const { value } = await (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader().read();
    expect(new FrameReader().read(value ?? new Uint8Array())).toEqual([{ kind: 'stdout', bytes: new Uint8Array() }]);
    gone.abort();
    await expect.poll(() => childrenOf(server.pid).length, { timeout: 20_000 }).toBe(0);
  });

  it('some are carried out at once, and others wait for their turn', async () => {
    await (await addPeer()).text();
    const gone = new AbortController();
    const waiting = Array.from({ length: 18 }, () => ask(['peer', 'wait', 'away'], gone.signal).catch(() => undefined));
    await expect.poll(() => childrenOf(server.pid).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(16);
    await sleep(1_000);
    expect(childrenOf(server.pid)).toHaveLength(16);
    const next = there(['status']);
    await sleep(1_000);
    gone.abort();
    expect(await next).toMatchObject({ code: 0 });
    await Promise.all(waiting);
  });

  it('it is told that somebody else has ended it', async () => {
    await (await addPeer()).text();
    const ran = there(['peer', 'wait', 'away'], { before: ['env'] });
    await expect.poll(() => childrenOf(server.pid).length, { timeout: 20_000 }).toBe(1);
    for (const pid of childrenOf(server.pid)) signal(Number(pid), 'SIGKILL');
    expect(await ran).toEqual({ code: 1, stdout: '', stderr: 'pando: the command was ended by SIGKILL\n' });
  });

  it('words that are too long are refused', async () => {
    expect(await (await ask(['cat', `lab:${'a'.repeat(200_000)}`])).text()).toContain('too long for one command');
    expect(await there(['status'])).toMatchObject({ code: 0 });
  });

  it('an end is not waited for by what was to go along', async () => {
    const endless = ['sh', '-c', 'yes | exec "$@"', 'sh'];
    const ran = await there(['put', '-', 'lab:.pando/x'], { before: endless });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('.pando') as string });
  });

  it('files of the policy go along, and those of the server stay where they are', async () => {
    const secret = join(server.root, 'secret');
    writeFileSync(secret, 'passphrase: open sesame\n');
    box.write({ policy: 'number_replicas: 1\n', accepts: 'replicate: true\n' });
    expect(await there(['policy', 'check', 'policy'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^copies {6}1/) as string,
    });
    expect(await there(['policy', 'check', '--store', 'accepts'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/accepts:/) as string,
    });
    await there(['put', 'policy', 'lab:a']);
    expect((await there(['plan', '--policy', 'lab:a', 'policy'])).stderr).not.toContain('machine');
    for (const words of [
      ['policy', 'check'],
      ['policy', 'check', '--store'],
      ['policy', 'set', 'lab:a'],
      ['plan', '--policy', 'lab:a'],
    ]) {
      const answer = await (await ask([...words, secret])).text();
      expect(answer, words.join(' ')).toContain('the machine the server runs on');
      expect(answer).not.toContain('passphrase');
    }
  });

  it('what lies on its machine nobody is told', async () => {
    const answers = await Promise.all(
      ['pando.yaml', 'nothing'].map(async (name) => {
        const written = `nosuch:../${name}`;
        const said = await Promise.all(['cat', 'rm', 'ls'].map(async (verb) => (await ask([verb, written])).text()));
        return said.map((text) => text.slice('.....'.length).replaceAll(written, 'it'));
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    // Beside a directory of that name.
    expect(await there(['ls', 'lab'])).toMatchObject({ code: 0 });
  });

  it('a token for a peer goes along, and is shown to nobody', async () => {
    box.write({ token: 'what-it-shows\n' });
    const added = await there(['peer', 'add', 'http://127.0.0.1:9', '--name', 'away', '--token-file', 'token']);
    expect(added).toMatchObject({ code: 0 });
    expect((await there(['peer', 'show', 'away', '--json'])).stdout).not.toContain('what-it-shows');
    expect((await there(['peer', 'set', 'away', '--token-file', 'missing'])).stderr).toContain('it does not exist');
  });

  it('a file is told from an option that says the same', async () => {
    box.write({ report: 'bytes' });
    expect(await there(['put', 'report', 'lab:one', '--metadata=kind=report'])).toMatchObject({ code: 0 });
    expect(await there(['put', '--content-type', 'report', 'report', 'lab:two'])).toMatchObject({ code: 0 });
    expect(await there(['put', 'report', 'lab:three', '--content-type', 'report'])).toMatchObject({ code: 0 });
    for (const name of ['one', 'two', 'three'])
      expect(readFileSync(join(server.root, 'lab', name), 'utf8')).toBe('bytes');
    expect((await there(['stat', 'lab:one', '--json'])).stdout).toContain('"report"');
  });

  it('a file that is not here is told before the server is asked', async () => {
    expect(await there(['put', 'missing', 'lab:a'])).toEqual({
      code: 3,
      stdout: '',
      stderr: 'pando: missing: it does not exist\n',
    });
    expect(await there(['put', '.', 'lab:a'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is a directory/) as string,
    });
    expect(await there(['policy', 'check', 'missing'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/it does not exist/) as string,
    });
  });
});

function childrenOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
}

function isAlive(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
