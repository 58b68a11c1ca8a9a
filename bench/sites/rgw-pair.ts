import { Agent } from 'node:http';
import { startCephCluster } from '../../test/servers/ceph-cluster.ts';
import { answers, output, succeeds, until } from '../../test/servers/daemon.ts';
import { Signer } from '../../src/storage/s3/signing.ts';
import { askServer } from './ask-server.ts';
import type { SitePair } from './site-pair.ts';

const BUCKET = 'bench';
const SYSTEM = ['--access-key=systemkey', '--secret=systemsecret'];
const CREDENTIALS = { accessKeyId: 'benchkey', secretAccessKey: 'benchsecret' };

/** Two zones of Ceph's gateway in one zone group, the first its master, on one cluster in memory. */
export async function startRgwPair(): Promise<SitePair> {
  const cluster = await startCephCluster();
  const agent = new Agent({ keepAlive: true });
  const portA = cluster.gatewayPort;
  const portB = portA + 1;
  const gateway = (zone: string, port: number) =>
    cluster.daemon(
      zone,
      'radosgw',
      '-f',
      '-n',
      'client.rgw',
      `--rgw-zone=${zone}`,
      `--admin-socket=${cluster.directory}/${zone}.asok`,
      `--rgw-frontends=beast endpoint=127.0.0.1:${port} tcp_nodelay=1`,
    );
  const admin = (...words: string[]) => output('radosgw-admin', words, cluster.env);
  const signer = new Signer('us-east-1');
  const signed = (method: string, port: number, path: string, query: Readonly<Record<string, string>> = {}) =>
    signer.sign(
      { method, path, query, headers: { host: `127.0.0.1:${port}` }, payload: 'UNSIGNED-PAYLOAD' },
      CREDENTIALS,
      Date.now(),
    );
  const ask = (method: string, port: number, path: string, query: Readonly<Record<string, string>> = {}) => {
    const text = new URLSearchParams(query).toString();
    return askServer(agent, {
      method,
      port,
      path: text === '' ? path : `${path}?${text}`,
      headers: signed(method, port, path, query),
    });
  };
  const b = gateway('z2', portB);
  try {
    await admin('realm', 'create', '--rgw-realm=bench', '--default');
    const endpointA = `--endpoints=http://127.0.0.1:${portA}`;
    await admin(
      'zonegroup',
      'create',
      '--rgw-zonegroup=group',
      endpointA,
      '--rgw-realm=bench',
      '--master',
      '--default',
    );
    await admin(
      'zone',
      'create',
      '--rgw-zonegroup=group',
      '--rgw-zone=z1',
      '--master',
      '--default',
      endpointA,
      ...SYSTEM,
    );
    await admin('user', 'create', '--uid=system', '--display-name=system', ...SYSTEM, '--system', '--rgw-zone=z1');
    await admin('period', 'update', '--commit', '--rgw-zone=z1');
    const a = gateway('z1', portA);
    a.start();
    await until('the gateway of the first zone answers', 60, () => answers(`http://127.0.0.1:${portA}`));
    const endpointB = `--endpoints=http://127.0.0.1:${portB}`;
    await admin('zone', 'create', '--rgw-zonegroup=group', '--rgw-zone=z2', endpointB, ...SYSTEM);
    await admin('period', 'update', '--commit', '--rgw-zone=z1');
    b.start();
    await until('the gateway of the second zone answers', 60, () => answers(`http://127.0.0.1:${portB}`));
    const keys = [`--access-key=${CREDENTIALS.accessKeyId}`, `--secret-key=${CREDENTIALS.secretAccessKey}`];
    await admin('user', 'create', '--uid=bench', '--display-name=bench', ...keys, '--rgw-zone=z1');
    const follows = (): Promise<boolean> =>
      succeeds('radosgw-admin', ['user', 'info', '--uid=bench', '--rgw-zone=z2'], cluster.env);
    await until('the second zone follows', 120, follows);
    await until('there is a bucket', 60, async () => (await ask('PUT', portA, `/${BUCKET}`)).status === 200);
    await until(
      'the bucket is at the second zone',
      120,
      async () => (await ask('HEAD', portB, `/${BUCKET}`)).status === 200,
    );
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return {
    name: 'rgw two-zone',
    durable: 'no: both zones in memory',
    a: { host: '127.0.0.1', port: portA },
    lookMs: 10,
    head: (method, key, size) => {
      const path = `/${BUCKET}/${key}`;
      const headers = { ...signed(method, portA, path), 'content-length': `${size}` };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
    },
    listAtB: async (after) => {
      const { status, text } = await ask('GET', portB, `/${BUCKET}`, { 'list-type': '2', 'start-after': after });
      if (status !== 200) return undefined;
      return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key as string);
    },
    isAtB: async (key) => (await ask('HEAD', portB, `/${BUCKET}/${key}`)).status === 200,
    killB: async () => {
      b.kill();
      await until('the gateway is gone', 20, async () => !b.running);
    },
    restartB: () => b.start(),
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await cluster.stop();
    },
  };
}
