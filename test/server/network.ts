import { spawnSync } from 'node:child_process';

/** Two machines, each a network namespace, with a cable between them that can lose every packet without either noticing. */
export class TestNetwork implements Disposable {
  readonly addresses = { a: '10.77.0.1', b: '10.77.0.2' } as const;
  readonly #names = { a: `pando-a-${process.pid}`, b: `pando-b-${process.pid}` } as const;
  readonly isMade: boolean;

  constructor() {
    const { a, b } = this.#names;
    this.isMade =
      ip('netns', 'add', a) &&
      ip('netns', 'add', b) &&
      ip('link', 'add', 'eth0', 'netns', a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b) &&
      (['a', 'b'] as const).every(
        (host) =>
          this.#at(host, 'addr', 'add', `${this.addresses[host]}/24`, 'dev', 'eth0') &&
          this.#at(host, 'link', 'set', 'eth0', 'up') &&
          this.#at(host, 'link', 'set', 'lo', 'up'),
      ) &&
      this.flow();
  }

  /** What starts a program at a machine. */
  under(host: 'a' | 'b'): readonly string[] {
    return ['ip', 'netns', 'exec', this.#names[host]];
  }

  /** Packets go to an address that nobody at the other end has, and nobody is told. */
  drop(): boolean {
    return this.#point('a', '02:00:00:00:00:01') && this.#point('b', '02:00:00:00:00:01');
  }

  flow(): boolean {
    return this.#point('a', this.#hardware('b')) && this.#point('b', this.#hardware('a'));
  }

  [Symbol.dispose](): void {
    for (const name of Object.values(this.#names)) ip('netns', 'del', name);
  }

  #at(host: 'a' | 'b', ...words: string[]): boolean {
    return ip('-n', this.#names[host], ...words);
  }

  #point(host: 'a' | 'b', hardware: string): boolean {
    const other = this.addresses[host === 'a' ? 'b' : 'a'];
    return this.#at(host, 'neigh', 'replace', other, 'lladdr', hardware, 'nud', 'permanent', 'dev', 'eth0');
  }

  #hardware(host: 'a' | 'b'): string {
    const { stdout } = spawnSync('ip', ['-n', this.#names[host], '-j', 'link', 'show', 'eth0'], { encoding: 'utf8' });
    return (JSON.parse(stdout) as readonly { readonly address: string }[])[0]?.address ?? '';
  }
}

function ip(...words: string[]): boolean {
  return spawnSync('ip', words).status === 0;
}
