import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accepts, answers, Daemon, demandPrograms, freePorts, output, until } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

const PACKAGES = 'swift-proxy swift-account swift-container swift-object memcached';
const STORAGE_SERVERS = ['account', 'container', 'object'] as const;

/**
 * OpenStack Swift with its S3 face, one device: 3 s and 260 MB. The weak S3 of our tests: no conditional writes.
 * The three storage ports are waited for, because the proxy shuns a late one for a minute; without memcached it answers 500.
 */
export async function startSwift(): Promise<S3Server> {
  demandPrograms(['swift-proxy-server', 'swift-object-server', 'memcached', 'python3'], PACKAGES);
  const directory = await mkdtemp(join(tmpdir(), 'pando-swift-'));
  const port = await freePorts(10);
  await mkdir(join(directory, 'dev', 'd1'), { recursive: true });
  await mkdir(join(directory, 'etc'));
  await writeConfiguration(directory, port);
  const env = { ...process.env };
  await output('/usr/bin/python3', ['-c', RINGS, join(directory, 'etc'), String(port)], env);
  const daemons = [
    new Daemon(
      'memcached',
      ['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', String(port + 9), '-m', '16'],
      join(directory, 'memcached.out'),
      env,
    ),
    ...[...STORAGE_SERVERS, 'proxy'].map(
      (name) =>
        new Daemon(
          name,
          ['/usr/bin/python3', '-c', SERVE, join(directory, 'etc'), name],
          join(directory, `${name}.out`),
          env,
        ),
    ),
  ];
  const stop = async (): Promise<void> => {
    for (const daemon of daemons) daemon.kill();
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    for (const daemon of daemons) daemon.start();
    for (const [i, name] of STORAGE_SERVERS.entries())
      await until(`the ${name} server accepts`, 30, () => accepts(port + 1 + i));
    await until('the proxy answers', 30, () => answers(`${endpoint}/info`));
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, port, accessKey: 'test:tester', secretKey: 'testsecret', [Symbol.asyncDispose]: stop };
}

const RINGS = `
import os, sys
from swift.common.ring import RingBuilder
os.chdir(sys.argv[1])
for i, name in enumerate(('account', 'container', 'object')):
    port = int(sys.argv[2]) + i + 1
    builder = RingBuilder(4, 1, 0)
    builder.add_dev(dict(region=1, zone=1, weight=1.0, ip='127.0.0.1', port=port, device='d1', replication_ip='127.0.0.1', replication_port=port))
    builder.rebalance()
    builder.get_ring().save(name + '.ring.gz')
`;

const SERVE = `
import sys
from swift.common.utils import set_swift_dir
set_swift_dir(sys.argv[1])
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(sys.argv[1] + '/' + sys.argv[2] + '.conf', sys.argv[2] + '-server'))
`;

async function writeConfiguration(directory: string, port: number): Promise<void> {
  const etc = join(directory, 'etc');
  const common = (at: number): string => `swift_dir = ${etc}
bind_ip = 127.0.0.1
bind_port = ${at}
workers = 0
user = root
log_udp_host = 127.0.0.1
log_udp_port = 9
log_level = ERROR
`;
  await writeFile(
    join(etc, 'swift.conf'),
    `[swift-hash]
swift_hash_path_suffix = testsuffix
swift_hash_path_prefix = testprefix
[storage-policy:0]
name = gold
default = yes
[swift-constraints]
max_header_size = 16384
`,
  );
  for (const [i, name] of STORAGE_SERVERS.entries()) {
    await writeFile(
      join(etc, `${name}.conf`),
      `[DEFAULT]
${common(port + 1 + i)}devices = ${directory}/dev
mount_check = false
[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
`,
    );
  }
  const filters = ['catch_errors', 'gatekeeper', 'proxy_logging', 'listing_formats', 'copy', 'slo', 'dlo', 'symlink'];
  await writeFile(
    join(etc, 'proxy.conf'),
    `[DEFAULT]
${common(port)}[pipeline:main]
pipeline = catch_errors gatekeeper proxy_logging cache listing_formats s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
${filters.map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n`).join('')}[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${port + 9}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
check_bucket_owner = false
min_segment_size = 5242880
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testsecret .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
`,
  );
}
