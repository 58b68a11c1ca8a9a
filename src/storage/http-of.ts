import type * as Http from 'node:http';
import type * as Https from 'node:https';

/**
 * Node's client for URLs like this one. Not imported: an import asks `node:http` for all it names, a client for WebSockets among it, and
 * so takes ten times as long, in each thread.
 */
export function httpOf({ protocol }: URL): typeof Http | typeof Https {
  return protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
}
