import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon, demandPrograms, freePorts, output, succeeds, until } from './daemon.ts';

const PROGRAMS = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
const PACKAGES = 'ceph-mon ceph-osd radosgw ceph-common';

/** One monitor and one OSD in memory, which gateways are started beside. */
export interface CephCluster {
  /** The first of ten free ports for gateways. */
  readonly gatewayPort: number;
  readonly directory: string;
  /** For its programs. */
  readonly env: NodeJS.ProcessEnv;
  /** One of its processes, not started; ended with the cluster. */
  daemon(name: string, ...command: string[]): Daemon;
  stop(): Promise<void>;
}

/**
 * Throw-away keys and data, 150 MB. cephx stays on because a gateway does not start without it; the paxos intervals make the start fast.
 * Gateways are `client.rgw`.
 */
export async function startCephCluster(): Promise<CephCluster> {
  demandPrograms(PROGRAMS, PACKAGES);
  const directory = await mkdtemp(join(tmpdir(), 'pando-rgw-'));
  const basePort = await freePorts(100);
  for (const name of ['mon', 'osd', 'log']) await mkdir(join(directory, name));
  const configuration = join(directory, 'ceph.conf');
  const fsid = randomUUID();
  await writeFile(configuration, cephConfiguration(directory, fsid, basePort));
  const env = { ...process.env, CEPH_CONF: configuration, CEPH_ARGS: `-c ${configuration}` };
  const daemons: Daemon[] = [];
  const daemon = (name: string, ...command: string[]): Daemon => {
    const made = new Daemon(name, command, join(directory, 'log', `${name}.out`), env);
    // Gateways end before what they stand on.
    daemons.unshift(made);
    return made;
  };
  const stop = async (): Promise<void> => {
    for (const one of daemons) one.kill();
    await Promise.all(daemons.map((one) => one.stop()));
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const mon = daemon('mon', 'ceph-mon', '-f', '-i', 'a');
    const osd = daemon('osd', 'ceph-osd', '-f', '-i', '0', '--setuser', 'root', '--setgroup', 'root');
    await makeKeys(directory, fsid, basePort, env);
    mon.start();
    await until('the monitor answers', 20, () => succeeds('ceph', ['--connect-timeout', '2', 'mon', 'stat'], env));
    await makeOsd(directory, env);
    osd.start();
    await until('the OSD is up', 20, async () => (await output('ceph', ['osd', 'stat'], env)).includes('1 up'));
  } catch (error) {
    await stop();
    throw error;
  }
  return { gatewayPort: basePort + 90, directory, env, daemon, stop };
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

function cephConfiguration(directory: string, fsid: string, basePort: number): string {
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
rgw thread pool size = 64
rgw relaxed s3 bucket names = true
rgw enable usage log = false
rgw enable gc threads = true
rgw gc processor period = 60
rgw gc obj min wait = 30
rgw s3 auth use sts = false
`;
}
