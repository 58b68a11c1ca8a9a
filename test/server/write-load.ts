// node write-load.ts URL FIRST COUNT WRITERS: writes objects, and prints how long each took, and how it ended.
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';

export interface WriteLoad {
  readonly latenciesMs: readonly number[];
  readonly statuses: readonly number[];
}

/** Started where the server can be reached. */
export const WRITE_LOAD = fileURLToPath(import.meta.url);

if (process.argv[1] === WRITE_LOAD) {
  const [url = '', ...numbers] = process.argv.slice(2);
  const [first = 0, count = 0, writers = 1] = numbers.map(Number);
  const agent = new Agent({ keepAlive: true, maxSockets: writers });
  const body = Buffer.alloc(4096, 'x');
  const put = (name: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/w/${name}`, { method: 'PUT', agent }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const latenciesMs: number[] = [];
  const statuses = new Set<number>();
  let next = first;
  const write = async (): Promise<void> => {
    while (next < first + count) {
      const name = `o-${next++}`;
      const startedMs = performance.now();
      statuses.add(await put(name));
      latenciesMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  agent.destroy();
  process.stdout.write(JSON.stringify({ latenciesMs, statuses: [...statuses] } satisfies WriteLoad));
}
