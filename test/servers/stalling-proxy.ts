import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can stand still, or break, without either end having done anything. */
export interface StallingProxy extends AsyncDisposable {
  readonly port: number;
  /** Nothing goes through any more, in either direction. */
  stall(): void;
  /** Every connection breaks; new ones are taken. */
  cut(): void;
}

export async function startStallingProxy(target: { readonly port: number }): Promise<StallingProxy> {
  const sockets = new Set<Socket>();
  let isStalled = false;
  const server = createServer((near) => {
    const far = connect(target.port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => isStalled || to.write(bytes));
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    stall: () => {
      isStalled = true;
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
