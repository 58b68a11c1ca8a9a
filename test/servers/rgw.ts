import { startCephCluster } from './ceph-cluster.ts';
import { answers, output, until } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

export interface RgwServer extends S3Server {
  /** `kill -9` of the gateway, or an end to its standing still. */
  signalGateway(signal: 'SIGKILL' | 'SIGCONT'): void;
  /** Stops its heart: connections stay open and nothing answers. */
  haltGateway(): Promise<void>;
  /** The gateway again after a kill; what was written is still there. */
  restartGateway(): Promise<void>;
}

/** Ceph RADOS gateway on a cluster of its own: 2 to 6 s. `tcp_nodelay` spares 40 ms a small answer. */
export async function startRgw(): Promise<RgwServer> {
  const cluster = await startCephCluster();
  const { env, gatewayPort: port } = cluster;
  const endpoint = `http://127.0.0.1:${port}`;
  const frontend = `--rgw-frontends=beast endpoint=127.0.0.1:${port} tcp_nodelay=1`;
  const gateway = cluster.daemon('rgw', 'radosgw', '-f', '-n', 'client.rgw', frontend);
  const startGateway = async (): Promise<void> => {
    gateway.start();
    await until('the gateway answers', 60, () => answers(endpoint));
  };
  try {
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
    await cluster.stop();
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
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}
