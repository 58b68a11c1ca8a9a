import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, Daemon, demandPrograms, freePorts, output, until } from './daemon.ts';

/** Apache with mod_dav on loopback, as Debian ships it, with a user `dav`. */
export interface DavServer extends AsyncDisposable {
  readonly port: number;
  /** What the server's `/` is. */
  readonly data: string;
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** A new collection; gives its name. */
  makeRoot(): string;
  /** Stands still, and goes on. */
  signal(signal: NodeJS.Signals): void;
}

const MODULES = [
  'mpm_event',
  'authn_core',
  'authn_file',
  'authz_core',
  'authz_user',
  'auth_basic',
  'dav',
  'dav_fs',
  'mime',
  'dir',
];

export async function startApache(): Promise<DavServer> {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  demandPrograms(['openssl'], 'openssl');
  const directory = mkdtempSync(join(tmpdir(), 'pando-apache-'));
  chmodSync(directory, 0o755);
  const [data, locks] = [join(directory, 'data'), join(directory, 'locks')];
  for (const one of [data, locks]) {
    mkdirSync(one);
    // Started by root, it works as another user.
    chmodSync(one, 0o777);
  }
  const [user, password] = ['dav', 'secret-dav-password'];
  writeFileSync(join(directory, 'users'), `${user}:${await output('openssl', ['passwd', '-apr1', password], env)}`);
  const port = await freePorts(1);
  const config = join(directory, 'httpd.conf');
  writeFileSync(config, configOf(directory, port));
  const command = ['/usr/sbin/apache2', '-d', directory, '-f', config, '-DFOREGROUND'];
  const daemon = new Daemon('apache2', command, join(directory, 'out'), env);
  daemon.start();
  const url = `http://127.0.0.1:${port}/`;
  await until('apache2', 20, () => answers(url));
  let roots = 0;
  return {
    port,
    data,
    url,
    user,
    password,
    makeRoot: () => {
      const name = `store-${++roots}`;
      mkdirSync(join(data, name));
      chmodSync(join(data, name), 0o777);
      return name;
    },
    signal: (signal) => daemon.signal(signal),
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configOf(directory: string, port: number): string {
  const load = MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n');
  const account = process.getuid?.() === 0 ? 'User www-data\nGroup www-data\n' : '';
  return `ServerRoot ${directory}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${directory}/pid
${account}${load}
TypesConfig /etc/mime.types
ErrorLog ${directory}/error.log
DavLockDB ${directory}/locks/DavLock
DocumentRoot ${directory}/data
LimitRequestBody 0
<Directory ${directory}/data>
 Dav On
 AuthType Basic
 AuthName dav
 AuthUserFile ${directory}/users
 Require valid-user
</Directory>
`;
}
