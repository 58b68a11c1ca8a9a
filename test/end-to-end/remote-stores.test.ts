import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { startApache } from '../servers/apache.ts';
import { startSshd } from '../servers/sshd.ts';

const [sshd, apache] = await Promise.all([startSshd(), startApache()]);
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  await apache[Symbol.asyncDispose]();
});

/** A profile for a fresh directory on the SFTP server, and one for a fresh collection on the WebDAV server. */
function remoteProfiles() {
  const [root, collection] = [sshd.makeRoot(), apache.makeRoot()];
  const far = `
    storage_provider:
      type: sftp
      options:
        host: 127.0.0.1
        port: ${sshd.port}
        user: ${sshd.user}
        base_path: ${root}
        key_file: ${sshd.keyFile}
        known_hosts: ${sshd.knownHosts}`;
  const web = `
    storage_provider:
      type: webdav
      options: {url: '${apache.url}${collection}', user: ${apache.user}, password: "\${DAV_PASSWORD}"}`;
  return { root, collection: join(apache.data, collection), far, web };
}

const env = { DAV_PASSWORD: apache.password };

test('a directory is synced to an SFTP and a WebDAV server, verified, and read from them when it is gone', {
  timeout: 120_000,
}, async () => {
  using box = new Sandbox();
  const { root, collection, far, web } = remoteProfiles();
  box.write({
    'pando.yaml': `profiles:
  data:
    storage_provider: {type: file, options: {base_path: data}}
    replicas: [{replica_profile: far, read_priority: 1}, {replica_profile: web, read_priority: 2}]
  far:${far}
  web:${web}
`,
    'data/a.txt': 'one',
    'data/dir/ü b%20.txt': 'two',
  });

  const synced = await box.run(['sync', 'data:', '--json'], { env });
  expect(synced, synced.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(synced.stdout)).toMatchObject({ state: 'done', targets: [{ added: 2 }, { added: 2 }] });
  for (const place of [root, collection]) {
    expect(readFileSync(join(place, 'a.txt'), 'utf8')).toBe('one');
    expect(readFileSync(join(place, 'dir/ü b%20.txt'), 'utf8')).toBe('two');
  }

  const again = await box.run(['sync', 'data:', '--json'], { env });
  expect(JSON.parse(again.stdout)).toMatchObject({
    targets: [
      { added: 0, updated: 0 },
      { added: 0, updated: 0 },
    ],
  });
  expect(await box.run(['verify', 'data:'], { env })).toMatchObject({ code: 0 });

  rmSync(box.path('data'), { recursive: true });
  expect(await box.run(['cat', 'data:dir/ü b%20.txt'], { env })).toMatchObject({ code: 0, stdout: 'two' });
  const shown = await box.run(['config', 'show'], { env });
  expect(shown.stdout).not.toContain(apache.password);
});

test.each([
  ['far', 'web'],
  ['web', 'far'],
] as const)('%s is written and read as a source, and synced to %s', { timeout: 120_000 }, async (source, replica) => {
  using box = new Sandbox();
  const profiles = remoteProfiles();
  box.write({
    'pando.yaml': `profiles:
  source:${profiles[source]}
    replicas: [{replica_profile: replica, read_priority: 1}]
  replica:${profiles[replica]}
`,
    'in.txt': 'first',
  });
  for (const args of [
    ['put', './in.txt', 'source:dir/out.txt'],
    ['sync', 'source:'],
    ['verify', 'source:'],
    ['get', 'source:dir/out.txt', './back.txt'],
  ]) {
    const ran = await box.run(args, { env });
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  }
  expect(box.read('back.txt')).toBe('first');
  for (const place of [profiles.root, profiles.collection])
    expect(readFileSync(join(place, 'dir/out.txt'), 'utf8')).toBe('first');
});

test('while an SFTP server is stopped an audit of it counts all its copies, and rm of many waits for it once', {
  timeout: 180_000,
}, async () => {
  using box = new Sandbox();
  const { root, far } = remoteProfiles();
  const names = Array.from({ length: 12 }, (_, at) => `f${10 + at}`);
  box.write({
    'pando.yaml': `profiles:
  data:
    storage_provider: {type: file, options: {base_path: data}}
  far:${far}
`,
  });
  box.write(Object.fromEntries(names.map((name) => [`data/${name}`, name])));
  for (const args of [
    ['sync', 'data:'],
    ['rule', 'add', 'data:*', '--copies', '1', '--stores', 'far'],
    ['worker', '--until-idle'],
  ])
    expect(await box.run(args)).toMatchObject({ code: 0 });
  const copies = () => readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  expect(copies().length).toBeGreaterThanOrEqual(names.length);
  await sshd.stop();
  try {
    for (let time = 0; time < 2; time++) {
      const away = await box.run(['audit', 'far']);
      expect(away).toMatchObject({ code: 4 });
      expect(away.stdout).not.toContain('it went on where an audit was interrupted');
      const [, row] = away.stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
      expect(row).toEqual(['far', '12', '-', '-', '-', '-', '-', '-', '12', '-', '0 B']);
    }
    const startedMs = Date.now();
    const removed = await box.run(['rm', ...names.map((name) => `data:${name}`)]);
    expect(Date.now() - startedMs).toBeLessThan(15_000);
    expect(removed.code).toBe(4);
    const whys = [...removed.stderr.matchAll(/still to go at far: far: \S+\/(f\d\d): connect ECONNREFUSED /g)];
    expect(whys.map(([, name]) => name)).toEqual(names);
  } finally {
    await sshd.start();
  }
  await box.run(['request', 'retry', '--store', 'far']);
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(copies()).toEqual([]);
});
