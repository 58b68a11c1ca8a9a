import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Reply } from './route.ts';

/** A number that is looked up whenever somebody asks. */
export interface Looked {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** One value a set of labels. */
  readonly look: () => Promise<
    readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
  >;
}

interface Served {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly sentBytes: number;
  readonly ms: number;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']);
/** Seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What is counted of requests, in the format of Prometheus (docs/server.md, "Metrics"). */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('http_requests_total', 'Requests by route and status', [
    'method',
    'route',
    'status',
  ]);
  readonly #seconds = new Histogram({
    name: 'http_request_seconds',
    help: 'From the headers of a request to the end of its answer',
    labelNames: ['method', 'route'],
    buckets: BUCKETS,
    registers: [this.#registry],
  });
  readonly #received = this.#counter('http_received_bytes_total', 'Bytes of bodies that came', []);
  readonly #sent = this.#counter('http_sent_bytes_total', 'Bytes of bodies that were sent', []);
  readonly #underWay = new Gauge({
    name: 'http_requests_under_way',
    help: 'Requests that are not answered yet',
    registers: [this.#registry],
  });

  /** Adds numbers that are kept elsewhere. */
  look({ name, help, labels = [], look }: Looked): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      async collect() {
        const values = await look();
        gauge.reset();
        for (const one of values) gauge.set(one.labels, one.value);
      },
    });
  }

  /** A request has come; what is returned is called with how it ended. */
  begin(): (served: Served) => void {
    this.#underWay.inc();
    return ({ method, route, status, sentBytes, ms }) => {
      this.#underWay.dec();
      const known = METHODS.has(method) ? method : 'other';
      this.#requests.inc({ method: known, route, status: String(status) });
      this.#seconds.observe({ method: known, route }, ms / 1000);
      this.#sent.inc(sentBytes);
    };
  }

  received(bytes: number): void {
    this.#received.inc(bytes);
  }

  async reply(): Promise<Reply> {
    const text = await this.#registry.metrics();
    return { status: 200, headers: { 'content-type': this.#registry.contentType }, body: Buffer.from(text) };
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }
}
