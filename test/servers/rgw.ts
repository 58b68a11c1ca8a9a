import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, Daemon, demandPrograms, freePorts, output, succeeds, until } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

const PROGRAMS = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
const PACKAGES = 'ceph-mon ceph-osd radosgw ceph-common';

export interface RgwServer extends S3Server {
  /** `kill -9` of the gateway, or an end to its standing still. */
  signalGateway(signal: 'SIGKILL' | 'SIGCONT'): void;
  /** Stops its heart: connections stay open and nothing answers. */
  haltGateway(): Promise<void>;
  /** The gateway again after a kill; what was written is still there. */
  restartGateway(): Promise<void>;
}

/**
 * Ceph RADOS gateway on one monitor and one OSD in memory, with throw-away keys: 2 to 6 s and 150 MB.
 * cephx stays on because the gateway does not start without it; the paxos intervals make the start fast; `tcp_nodelay`
 * spares 40 ms a small answer.
 */
export async function startRgw(): Promise<RgwServer> {
  demandPrograms(PROGRAMS, PACKAGES);
  const directory = await mkdtemp(join(tmpdir(), 'pando-rgw-'));
  const basePort = await freePorts(100);
  const port = basePort + 90;
  for (const name of ['mon', 'osd', 'log']) await mkdir(join(directory, name));
  const configuration = join(directory, 'ceph.conf');
  const fsid = randomUUID();
  await writeFile(configuration, cephConfiguration(directory, fsid, basePort, port));
  const env = { ...process.env, CEPH_CONF: configuration, CEPH_ARGS: `-c ${configuration}` };
  const daemon = (name: string, ...command: string[]): Daemon =>
    new Daemon(name, command, join(directory, 'log', `${name}.out`), env);
  const mon = daemon('mon', 'ceph-mon', '-f', '-i', 'a');
  const osd = daemon('osd', 'ceph-osd', '-f', '-i', '0', '--setuser', 'root', '--setgroup', 'root');
  const gateway = daemon('rgw', 'radosgw', '-f', '-n', 'client.rgw');
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    gateway.kill();
    osd.kill();
    mon.kill();
    await Promise.all([gateway.stop(), osd.stop(), mon.stop()]);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const startGateway = async (): Promise<void> => {
    gateway.start();
    await until('the gateway answers', 60, () => answers(endpoint));
  };
  try {
    await makeKeys(directory, fsid, basePort, env);
    mon.start();
    await until('the monitor answers', 20, () => succeeds('ceph', ['--connect-timeout', '2', 'mon', 'stat'], env));
    await makeOsd(directory, env);
    osd.start();
    await until('the OSD is up', 20, async () => (await output('ceph', ['osd', 'stat'], env)).includes('1 up'));
    await startGateway();
    const user = [
      'user',
      'create',
      '--uid=test',
      '--display-name=test',
      '--access-key=testkey',
      '--secret-key=testsecret',
    ];
    await output('radosgw-admin', user, env);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint,
    port,
    accessKey: 'testkey',
    secretKey: 'testsecret',
    signalGateway: (signal) => gateway.signal(signal),
    haltGateway: () => gateway.halt(),
    restartGateway: async () => {
      await gateway.stop();
      await startGateway();
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function makeKeys(directory: string, fsid: string, basePort: number, env: NodeJS.ProcessEnv): Promise<void> {
  const keyring = join(directory, 'keyring');
  const monmap = join(directory, 'monmap');
  await output(
    'ceph-authtool',
    ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *'],
    env,
  );
  for (const name of ['client.admin', 'client.rgw']) {
    const caps = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'];
    await output('ceph-authtool', [keyring, '--gen-key', '-n', name, ...caps], env);
  }
  await output('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${basePort}]`, monmap], env);
  await output('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', monmap, '--keyring', keyring], env);
}

/** The id given to `osd new` and to `--mkfs` must be one, or the OSD never boots. */
async function makeOsd(directory: string, env: NodeJS.ProcessEnv): Promise<void> {
  const id = randomUUID();
  await output('ceph', ['osd', 'new', id, '0'], env);
  const keyring = await output(
    'ceph',
    ['auth', 'get-or-create', 'osd.0', 'mon', 'allow profile osd', 'osd', 'allow *'],
    env,
  );
  await writeFile(join(directory, 'osd', 'keyring'), keyring);
  await output('ceph-osd', ['--mkfs', '-i', '0', '--osd-uuid', id], env);
  await output('ceph', ['osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=h'], env);
}

function cephConfiguration(directory: string, fsid: string, basePort: number, port: number): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${basePort}]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind msgr1 = false
ms bind port min = ${basePort + 10}
ms bind port max = ${basePort + 60}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = ${directory}/keyring
log file = ${directory}/log/$name.log
run dir = ${directory}
admin socket = ${directory}/$name.asok
pid file =
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
mon initial members = a
paxos propose interval = 0.05
paxos min wait = 0.01
mon osd min up ratio = 0
osd pg stat report interval max = 500
osd class update on start = false
osd crush update on start = false
debug none = 0
[mon.a]
mon data = ${directory}/mon
mon data avail warn = 2
mon data avail crit = 1
[osd.0]
osd data = ${directory}/osd
keyring = ${directory}/osd/keyring
osd objectstore = memstore
memstore device bytes = 4294967296
osd memory target = 939524096
osd op num shards = 2
osd max object name len = 2048
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw thread pool size = 64
rgw relaxed s3 bucket names = true
rgw enable usage log = false
rgw enable gc threads = true
rgw gc processor period = 60
rgw gc obj min wait = 30
rgw s3 auth use sts = false
`;
}
