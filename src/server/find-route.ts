import { findScopeProblem, RESERVED_SCOPES } from '../domain/object/scope.ts';
import { HttpError } from './http-error.ts';
import { decode } from './request-target.ts';
import type { Method, Route } from './route.ts';

export interface FoundRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Shape {
  readonly route: Route;
  /** `{}`: any one segment. */
  readonly segments: readonly { readonly literal: string | undefined; readonly param: string }[];
  /** The last parameter takes all that is left. */
  readonly isOpen: boolean;
}

/** Finds the route of a request. Addresses of the server itself come before scopes, and no scope is called as they begin. */
export class RouteTable {
  readonly routes: readonly Route[];
  readonly #shapes: readonly Shape[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    // What is spelled out comes first.
    this.#shapes = routes.map(toShape).sort((a, b) => literals(b) - literals(a));
  }

  /** Throws `HttpError`: 404, 405, or what is wrong with a scope's name. */
  find(method: string, encodedPath: string): FoundRoute {
    const segments = encodedPath.slice(1).split('/');
    const [first, ...others] = this.#shapes.filter((shape) => fits(shape, segments));
    if (first === undefined) throw new HttpError(404, 'not-found', 'there is nothing at this address');
    const fitting = [first, ...others.filter((shape) => literals(shape) === literals(first))];
    const exact = fitting.find(({ route }) => route.method === method);
    const shape = exact ?? (method === 'HEAD' ? fitting.find(({ route }) => route.method === 'GET') : undefined);
    if (shape === undefined) {
      const allow = allowedBy(fitting.map(({ route }) => route.method)).join(', ');
      throw new HttpError(405, 'method-not-allowed', `this address understands ${allow}`, { allow });
    }
    const params = paramsOf(shape, segments);
    const { scope } = params;
    const problem = scope === undefined ? undefined : findScopeProblem(scope);
    if (problem !== undefined) throw new HttpError(400, 'invalid-scope', `the scope ${problem}`);
    return { route: shape.route, params };
  }
}

export function allowedBy(methods: readonly Method[]): readonly string[] {
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : [])])];
}

function toShape(route: Route): Shape {
  const isOpen = route.path.endsWith('...}');
  const segments = route.path
    .slice(1)
    .split('/')
    .map((segment) => {
      const [, param] = /^\{([a-z]+)(?:\.\.\.)?\}$/.exec(segment) ?? [];
      return param === undefined ? { literal: segment, param: '' } : { literal: undefined, param };
    });
  return { route, segments, isOpen };
}

function literals({ segments }: Shape): number {
  return segments.filter(({ literal }) => literal !== undefined).length;
}

function fits({ segments, isOpen }: Shape, given: readonly string[]): boolean {
  if (isOpen ? given.length < segments.length : given.length !== segments.length) return false;
  const [first] = segments;
  if (first?.literal === undefined && RESERVED_SCOPES.has(given[0] ?? '')) return false;
  return segments.every(({ literal }, at) => literal === undefined || literal === given[at]);
}

function paramsOf({ segments, isOpen }: Shape, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    segments.flatMap(({ literal, param }, at) => {
      if (literal !== undefined) return [];
      const isRest = isOpen && at === segments.length - 1;
      return [[param, decode(isRest ? given.slice(at).join('/') : (given[at] ?? ''))]];
    }),
  );
}
