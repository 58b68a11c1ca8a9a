import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { SftpSettings } from '../../src/storage/sftp/sftp-storage.ts';
import { accepts, Daemon, demandPrograms, freePorts, output, until } from './daemon.ts';

/** OpenSSH's server on loopback, with keys of its own, for the user who runs the tests. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  /** Where stores are made. */
  readonly data: string;
  readonly user: string;
  /** Private key that lets the user in. */
  readonly keyFile: string;
  /** A private key that does not. */
  readonly strangeKeyFile: string;
  readonly knownHosts: string;
  readonly fingerprint: string;
  /** A directory of the server's own, empty. */
  makeRoot(): string;
  settings(path: string, other?: Partial<SftpSettings>): SftpSettings;
  /** Every session ends; new ones are taken again after `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** With `trace`, the system calls that make a write durable are written to that file. */
export async function startSshd({ trace }: { readonly trace?: string } = {}): Promise<SshServer> {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  demandPrograms(['ssh-keygen', 'ssh-keyscan'], 'openssh-client');
  const directory = mkdtempSync(join(tmpdir(), 'pando-sshd-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  // sshd drops its rights there before it knows who asks.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const makeKey = async (name: string): Promise<string> => {
    const file = join(directory, name);
    await output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file], env);
    return file;
  };
  const [hostKey, keyFile, strangeKeyFile] = [await makeKey('host'), await makeKey('id'), await makeKey('strange')];
  copyFileSync(`${keyFile}.pub`, join(directory, 'authorized_keys'));
  const port = await freePorts(1);
  const config = join(directory, 'sshd_config');
  writeFileSync(config, configOf({ directory, hostKey, port }));
  const command = ['/usr/sbin/sshd', '-D', '-f', config, '-E', join(directory, 'log')];
  const daemon = new Daemon('sshd', command, join(directory, 'out'), env);
  let tracer: Daemon | undefined;
  const start = async (): Promise<void> => {
    daemon.start();
    await until('sshd', 20, () => accepts(port));
    if (trace !== undefined) tracer = await startTracer(readFileSync(join(directory, 'pid'), 'utf8').trim(), trace);
  };
  const stop = async (): Promise<void> => {
    await tracer?.stop();
    await daemon.stop();
  };
  await start();
  const knownHosts = join(directory, 'known_hosts');
  writeFileSync(knownHosts, await output('ssh-keyscan', ['-H', '-p', String(port), '127.0.0.1'], env));
  const [, fingerprint = ''] = (await output('ssh-keygen', ['-lf', `${hostKey}.pub`], env)).split(' ');
  const user = userInfo().username;
  let roots = 0;
  return {
    port,
    data,
    user,
    keyFile,
    strangeKeyFile,
    knownHosts,
    fingerprint,
    makeRoot: () => {
      const root = join(data, `store-${++roots}`);
      mkdirSync(root);
      return root;
    },
    settings: (path, other = {}) => ({
      host: '127.0.0.1',
      port,
      user,
      path,
      login: { kind: 'key', file: keyFile, passphrase: undefined },
      hostKey: { kind: 'fingerprints', fingerprints: [fingerprint] },
      ...other,
    }),
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Beside the server, not around it: what is traced outlives its tracer. */
async function startTracer(pid: string, trace: string): Promise<Daemon> {
  const calls = 'trace=fsync,link,linkat,rename';
  const tracer = new Daemon(
    'strace',
    ['strace', '-f', '-y', '-e', calls, '-o', trace, '-p', pid],
    '/dev/null',
    process.env,
  );
  tracer.start();
  const isTraced = (): boolean => !/^TracerPid:\s+0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  await until('strace', 20, async () => isTraced());
  return tracer;
}

function configOf({ directory, hostKey, port }: { directory: string; hostKey: string; port: number }): string {
  return `Port ${port}
ListenAddress 127.0.0.1
HostKey ${hostKey}
AuthorizedKeysFile ${directory}/authorized_keys
PidFile ${directory}/pid
StrictModes no
UsePAM no
PasswordAuthentication yes
PermitRootLogin yes
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
ForceCommand internal-sftp
`;
}
