// The programs that tests and bench run against, and the Debian packages that hold them.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly, say, secondsSince } from './setup.mjs';

/** Debian package → a program it brings. */
export const packageSets = {
  servers: {
    'ceph-mon': 'ceph-mon',
    'ceph-osd': 'ceph-osd',
    radosgw: 'radosgw',
    'ceph-common': 'ceph',
    postgresql: 'postgres',
    strace: 'strace',
    faketime: 'faketime',
    'apache2-bin': 'apache2',
    'openssh-server': 'sshd',
    'openssh-client': 'ssh-keygen',
    curl: 'curl',
    rclone: 'rclone',
    iproute2: 'ip',
  },
  soak: {
    'swift-proxy': 'swift-proxy-server',
    'swift-account': 'swift-account-server',
    'swift-container': 'swift-container-server',
    'swift-object': 'swift-object-server',
    memcached: 'memcached',
  },
  peers: { rclone: 'rclone', rsync: 'rsync' },
};

/** The packages of these sets whose program is not here. */
export function missingPackages(sets) {
  const needed = Object.assign({}, ...sets.map((set) => packageSets[set]));
  return Object.keys(needed).filter((name) => !hasProgram(needed[name]));
}

export function canInstall() {
  return process.platform === 'linux' && process.getuid() === 0 && hasProgram('apt-get');
}

/** Installs Debian packages; no service is started and no database cluster is made. Resolves to an error text, or undefined. */
export async function installPackages(names) {
  const start = Date.now();
  say(`set-up: installing Debian packages: ${names.join(' ')} …`);
  const restore = keepServicesDown();
  try {
    // Without package lists nothing is found; with lists older than the archive, what they name is gone.
    const failure = hasPackageLists() ? await apt(['install', ...names]) : 'no package lists';
    const last = failure === undefined ? undefined : ((await apt(['update'])) ?? (await apt(['install', ...names])));
    if (last === undefined) say(`set-up: Debian packages installed (${secondsSince(start)})`);
    return last;
  } finally {
    restore();
  }
}

function hasProgram(name) {
  return programDirectories().some((directory) => existsSync(join(directory, name)));
}

function programDirectories() {
  const postgres = '/usr/lib/postgresql';
  const versions = existsSync(postgres) ? readdirSync(postgres).map((version) => join(postgres, version, 'bin')) : [];
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin', ...versions];
}

function hasPackageLists() {
  const lists = '/var/lib/apt/lists';
  return existsSync(lists) && readdirSync(lists).some((file) => /_Packages(\.\w+)?$/.test(file));
}

/** Debian asks policy-rc.d before it starts a service; ours says no, and is gone afterwards. */
function keepServicesDown() {
  const policy = '/usr/sbin/policy-rc.d';
  const clusters = '/etc/postgresql-common/createcluster.conf';
  if (!existsSync(clusters)) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync(clusters, 'create_main_cluster = false\n');
  }
  if (existsSync(policy)) return () => {};
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}

async function apt(args) {
  const options = [
    '-y',
    '-q',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=600',
    '-o',
    'Dpkg::Options::=--force-confold',
  ];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' };
  const done = await runQuietly('apt-get', [...options, ...args], { env });
  if (done.status === 0) return undefined;
  const lastLines = `${done.stdout}${done.stderr}`.trimEnd().split('\n').slice(-20).join('\n');
  return `apt-get ${args.join(' ')} failed:\n${lastLines}`;
}
