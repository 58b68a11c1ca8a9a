import { isIP } from 'node:net';

/** Whether nobody but this machine reaches the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family === 4
    ? host.startsWith('127.')
    : family === 6 && (host === '::1' || /^::ffff:(?:127\.|7f[0-9a-f]{2}:)/i.test(host));
}
