import { inject } from 'vitest';
import { type Databases, DatabasesAt, type PostgresServer, startPostgres } from './postgres.ts';
import { startRgw } from './rgw.ts';
import type { S3Server } from './s3-server.ts';

/** In the soak each file has its own: what tests leave there grows with them. */
const isShared = process.env['PANDO_SOAK'] !== '1';

/** Empty databases at a server that other files use, too. */
export async function openPostgres(): Promise<Databases> {
  return isShared ? new DatabasesAt((await ask<PostgresServer>('postgres')).port) : startPostgres();
}

/** A gateway that other files use, too: whoever stops one starts his own. */
export async function openRgw(): Promise<S3Server> {
  if (!isShared) return startRgw();
  return { ...(await ask<S3Server>('rgw')), [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function ask<T>(server: string): Promise<T> {
  const answer = await fetch(`${inject('sharedServers')}/${server}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}
