import { isOpenToAll } from '../config/open-to-all.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { currentSurroundings, readVariable } from '../config/surroundings.ts';

/** A server that carries commands out, and who asks it. */
export interface ServerAddress {
  /** Ends with a slash. */
  readonly base: URL;
  readonly token: string | undefined;
}

/** As `--server` says it, with the token of the environment. Neither is shown: what is wrong with an address may be a secret in it. */
export function readServerAddress(url: string): ServerAddress {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const isWeb = base !== undefined && /^https?:$/.test(base.protocol) && base.search === '' && base.hash === '';
  if (!isWeb) throw refused('--server', '--server does not say where a server is', `write ${suggestionFor(url)}`);
  if (base.username !== '' || base.password !== '')
    throw refused('--server', '--server has credentials in it', 'leave them away; a token is read from PANDO_TOKEN');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const token = readVariable(currentSurroundings(), 'PANDO_TOKEN');
  if (token !== undefined && !/^[\x21-\x7e]{1,512}$/.test(token))
    throw refused(
      'PANDO_TOKEN',
      'PANDO_TOKEN holds no token',
      'set it to what pando token create printed, and to nothing else',
    );
  return { base, token };
}

/** A host with a port is no secret, and lacks only the beginning. */
function suggestionFor(url: string): string {
  return /^[A-Za-z0-9.-]+:\d{1,5}\/?$/.test(url) ? `http://${url}` : 'http://127.0.0.1:8080';
}

/** Whether others can read the token on its way. */
export function showsToken({ base, token }: ServerAddress): boolean {
  return token !== undefined && isOpenToAll(base.href);
}

function refused(what: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(what, message, remedy)]);
}
