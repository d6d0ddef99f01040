/** Which methods a path has, for requests with another one. */
import type { FastifyInstance } from 'fastify';

export interface RoutePaths {
  /** Methods of the routes that match a path; none where it is not known. */
  methodsOf(url: string): readonly string[];
}

/** Listens to routes that are added from now on. */
export function routePaths(app: FastifyInstance): RoutePaths {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url.replaceAll('.', String.raw`\.`).replace(/:[a-z0-9]+/gi, '[^/]+');
    routes.push({ pattern: new RegExp(`^${pattern}$`), methods: [method].flat() });
  });
  return {
    methodsOf(url) {
      const path = url.split('?', 1)[0] ?? '';
      const found = routes.filter(({ pattern }) => pattern.test(path));
      return [...new Set(found.flatMap(({ methods }) => methods))].sort();
    },
  };
}
