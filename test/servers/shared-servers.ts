import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';
import { startRgw } from './rgw.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for them (shared.ts). */
    readonly sharedServers: string;
  }
}

/** Servers that all files of a run share: each is started when the first file asks for it, and ends with the run. */
export default async function shareServers(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<AsyncDisposable>>();
  const start: Readonly<Record<string, () => Promise<AsyncDisposable>>> = {
    '/postgres': startPostgres,
    '/rgw': startRgw,
  };
  const desk = createServer((request, response) => {
    const path = request.url ?? '';
    const server = started.get(path) ?? start[path]?.() ?? Promise.reject(new Error(`there is no ${path}`));
    started.set(path, server);
    server.then(
      (one) => response.end(JSON.stringify(one)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((done) => desk.listen(0, '127.0.0.1', done));
  project.provide('sharedServers', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);
  return async () => {
    desk.close();
    for (const server of await Promise.allSettled(started.values()))
      if (server.status === 'fulfilled') await server.value[Symbol.asyncDispose]();
  };
}
