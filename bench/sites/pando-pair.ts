import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { answers, freePorts, until } from '../../test/servers/daemon.ts';
import { runCommand } from '../run-command.ts';
import { askServer } from './ask-server.ts';
import type { SitePair } from './site-pair.ts';

const SCOPE = 'bench';

interface Site {
  readonly root: string;
  readonly port: number;
  process: ChildProcess;
}

/** Two servers of Pando as shipped, on one disk, with a catalog and a store each. */
export async function startPandoPair(launcher: string, directory: string): Promise<SitePair> {
  const root = join(directory, `pando-${Date.now()}`);
  const first = await freePorts(2);
  const start = (name: string, port: number): Site => {
    const own = join(root, name);
    mkdirSync(own, { recursive: true });
    return { root: own, port, process: spawnServer(launcher, own, port) };
  };
  const a = start('a', first);
  const b = start('b', first + 1);
  const health = ({ port }: Site): string => `http://127.0.0.1:${port}/admin/health`;
  const stop = async (): Promise<void> => {
    for (const site of [a, b]) await kill(site);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    for (const site of [a, b]) await until('a server answers', 60, () => answers(health(site)));
    const words = ['peer', 'add', `http://127.0.0.1:${b.port}`, '--name', 'b', '--data', join(a.root, 'data')];
    await runCommand({ program: process.execPath, args: [launcher, ...words] });
  } catch (error) {
    await stop();
    throw error;
  }
  const agent = new Agent({ keepAlive: true });
  const ask = (method: string, path: string) => askServer(agent, { method, port: b.port, path });
  return {
    name: 'pando',
    durable: 'both sites: bytes and catalog flushed before the answer, and before it is listed at B',
    a: { host: '127.0.0.1', port: a.port },
    lookMs: 1,
    head: (method, key, size) =>
      `${method} /${SCOPE}/${key} HTTP/1.1\r\nhost: 127.0.0.1:${a.port}\r\ncontent-length: ${size}\r\n\r\n`,
    listAtB: async (after) => {
      const { status, text } = await ask('GET', `/${SCOPE}?format=json&start-after=${after}`);
      if (status !== 200) return undefined;
      return (JSON.parse(text) as { readonly objects: readonly { readonly name: string }[] }).objects.map(
        ({ name }) => name,
      );
    },
    isAtB: async (key) => (await ask('HEAD', `/${SCOPE}/${key}`)).status === 200,
    killB: () => kill(b),
    restartB: () => {
      b.process = spawnServer(launcher, b.root, b.port);
    },
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await stop();
    },
  };
}

function spawnServer(launcher: string, root: string, port: number): ChildProcess {
  const words = [
    launcher,
    'server',
    '--port',
    `${port}`,
    '--data',
    join(root, 'data'),
    '--storage',
    join(root, 'store'),
  ];
  const env = { PATH: process.env['PATH'], HOME: root };
  return spawn(process.execPath, words, { cwd: root, env, stdio: 'ignore' });
}

async function kill(site: Site): Promise<void> {
  const { process: child } = site;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}
