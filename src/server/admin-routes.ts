import { HttpError } from './http-error.ts';
import { type Exchange, jsonReply, type Reply, type Route } from './route.ts';

/** What an administrator can ask about the site and do to it; what is told is what the commands of the same names tell with --json. */
export interface AdminDesk {
  /** Why objects cannot be written or read now; empty: they can. */
  problems(): Promise<readonly string[]>;
  /** Undefined: nothing is known of it, or not any more. */
  readOperation(id: string): Promise<unknown>;
  countObjects(scope: string, signal: AbortSignal): Promise<number>;
  /** How many objects went. */
  purge(scope: string, signal: AbortSignal): Promise<number>;
  /** Whether a scope is a profile's, one of the server's own, or one it knows nothing of. */
  kindOfScope(scope: string): Promise<'profile' | 'own' | 'new'>;
  status(): Promise<unknown>;
  listRules(): Promise<unknown>;
  showRule(id: number): Promise<unknown>;
  listReplicas(object: string): Promise<unknown>;
  listRequests(state: string | undefined): Promise<unknown>;
}

export function adminRoutes(desk: AdminDesk, metrics: { reply(): Promise<Reply> }): readonly Route[] {
  const told = (path: string, summary: string, tell: (exchange: Exchange) => Promise<unknown>): Route => ({
    method: 'GET',
    path,
    summary,
    right: 'admin',
    answers: [200, 400, 404],
    handle: async (exchange) => jsonReply(await tell(exchange)),
  });
  return [
    {
      method: 'GET',
      path: '/admin/health',
      summary: 'Whether the server answers at all',
      right: undefined,
      answers: [200],
      handle: () => Promise.resolve(jsonReply({ status: 'ok' })),
    },
    {
      method: 'GET',
      path: '/admin/ready',
      summary: 'Whether objects can be written and read',
      right: undefined,
      answers: [200, 503],
      handle: () => ready(desk),
    },
    {
      ...told('/admin/operations/{id}', 'What is known of an operation', ({ params }) => operation(desk, params['id'])),
      right: 'read',
    },
    told('/admin/status', 'The catalog, its replicas and requests', () => desk.status()),
    told('/admin/scopes/{scope}', "Whether it is a profile's, the server's own, or new", async ({ params }) => {
      const { scope = '' } = params;
      return { scope, kind: await desk.kindOfScope(scope) };
    }),
    told('/admin/rules', 'All rules', () => desk.listRules()),
    told('/admin/rules/{id}', 'A rule, and how far it is', ({ params }) => desk.showRule(ruleId(params['id']))),
    {
      ...told('/admin/replicas/{scope}/{name...}', 'The copies of an object', ({ params }) =>
        desk.listReplicas(`${params['scope']}:${params['name']}`),
      ),
    },
    {
      ...told('/admin/requests', 'Queued copies and deletes', ({ query }) => desk.listRequests(query.get('state'))),
      query: { state: 'only in this state' },
    },
    {
      method: 'DELETE',
      path: '/admin/{scope}/objects',
      summary: 'Delete all objects of a scope',
      right: 'admin',
      query: { confirm: 'true: they are deleted; otherwise it is told how many there are' },
      answers: [200, 400, 503],
      handle: (exchange) => purge(desk, exchange),
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Numbers for Prometheus',
      right: 'admin',
      answers: [200],
      handle: () => metrics.reply(),
    },
  ];
}

async function ready(desk: AdminDesk): Promise<Reply> {
  const problems = await desk.problems();
  return problems.length === 0
    ? jsonReply({ status: 'ready' })
    : jsonReply({ status: 'not ready', problems }, 503, { 'retry-after': '2' });
}

async function operation(desk: AdminDesk, id: string | undefined): Promise<unknown> {
  const known = await desk.readOperation(id ?? '');
  if (known === undefined)
    throw new HttpError(404, 'not-found', 'nothing is known of this operation: it never happened, or is long over');
  return known;
}

function ruleId(text: string | undefined): number {
  if (!/^\d{1,15}$/.test(text ?? '')) throw new HttpError(400, 'invalid-rule', 'a rule is called by its number');
  return Number(text);
}

async function purge(desk: AdminDesk, { params, query, signal }: Exchange): Promise<Reply> {
  const scope = params['scope'] ?? '';
  if (query.get('confirm') === 'true') return jsonReply({ scope, deleted: await desk.purge(scope, signal) });
  const objects = await desk.countObjects(scope, signal);
  const message = `this deletes the ${objects} objects of ${scope} for good: add ?confirm=true`;
  return jsonReply({ code: 'unconfirmed', message, objects }, 400);
}
