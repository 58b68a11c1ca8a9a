import { allowedBy } from './find-route.ts';
import { jsonReply, type Method, type Route } from './route.ts';

/** What any request may be answered with. */
const ALWAYS = [400, 401, 403, 431, 500];

/** The route of the document that describes all routes, itself too. */
export function openapiRoute(routes: readonly Route[], version: string): Route {
  const own: Route = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document',
    right: undefined,
    answers: [200],
    handle: () => Promise.resolve(jsonReply(describeRoutes([...routes, own], version))),
  };
  return own;
}

function describeRoutes(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [path, those] of Map.groupBy(routes, (route) => shownPath(route.path))) paths[path] = describePath(those);
  return {
    openapi: '3.1.0',
    info: { title: 'Pando', version },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: ERROR },
    },
  };
}

function describePath(routes: readonly Route[]): Record<string, unknown> {
  const methods = allowedBy(routes.map(({ method }) => method)) as readonly Method[];
  return Object.fromEntries(
    methods.flatMap((method) => {
      const own = routes.find((route) => route.method === method) ?? routes.find((route) => route.method === 'GET');
      return own === undefined ? [] : [[method.toLowerCase(), describeRoute(own, method)]];
    }),
  );
}

function describeRoute({ path, summary, right, query = {}, answers, takesBody }: Route, method: Method): unknown {
  const inPath = [...path.matchAll(/\{([a-z]+)(?:\.\.\.)?\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  }));
  const statuses = [...new Set([...answers, ...(right === undefined ? [400] : ALWAYS)])].sort((a, b) => a - b);
  return {
    summary,
    ...(right === undefined ? {} : { security: [{ token: [] }], 'x-pando-right': right }),
    parameters: [...inPath, ...inQuery],
    ...(takesBody === true ? { requestBody: { content: { 'application/octet-stream': {} } } } : {}),
    responses: Object.fromEntries(statuses.map((status) => [status, describeAnswer(status, method)])),
  };
}

function describeAnswer(status: number, method: Method): unknown {
  if (status < 400 || method === 'HEAD') return { description: status < 400 ? 'done' : 'not done' };
  const schema = { $ref: '#/components/schemas/Error' };
  return { description: 'not done', content: { 'application/json': { schema } } };
}

/** OpenAPI knows no parameter of several segments: a `/` in a name need not be encoded all the same. */
function shownPath(path: string): string {
  return path.replace('...}', '}');
}

const ERROR = {
  type: 'object',
  required: ['code', 'message'],
  properties: { code: { type: 'string' }, message: { type: 'string' } },
};
