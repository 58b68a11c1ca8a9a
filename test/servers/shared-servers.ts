import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { connect, type PostgresServer, startPostgres } from './postgres.ts';
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
    '/postgres': startWithCatalog,
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

/** With a database to copy: a catalog that no site has had yet. */
async function startWithCatalog(): Promise<PostgresServer & { readonly emptyCatalog: string }> {
  const server = await startPostgres();
  const url = await server.createDatabase();
  await (await openPostgresCatalog({ url }))[Symbol.asyncDispose]();
  await using client = await connect(url);
  await client.query('truncate site, slot, actor restart identity');
  return { ...server, emptyCatalog: new URL(url).pathname.slice(1) };
}
