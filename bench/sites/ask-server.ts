import { type Agent, request } from 'node:http';

interface Asked {
  readonly method: string;
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  /** 0: nobody answered. */
  readonly status: number;
  readonly text: string;
}

/** One small question; never fails. */
export function askServer(agent: Agent, { method, port, path, headers = {} }: Asked): Promise<Answered> {
  return new Promise((resolve) => {
    const nothing = (): void => resolve({ status: 0, text: '' });
    const asked = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.once('error', nothing);
    });
    asked.setTimeout(10_000, () => asked.destroy());
    asked.once('error', nothing);
    asked.end();
  });
}
