/** Pages of listed origins may call the server. */
import type { FastifyInstance } from 'fastify';

const allowedHeaders =
  'authorization, content-type, content-range, inference-header-content-length';
const exposedHeaders = 'inference-header-content-length, retry-after, x-request-id, etag';
const methods = 'GET, POST, PUT, DELETE';
/** Seconds for which a browser remembers. */
const maxAge = 600;

/** Answer preflight requests and mark the answers to listed origins; others get no mark. */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    void reply.header('vary', 'origin');
    if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return;
    void reply.header('access-control-allow-origin', origin);
    void reply.header('access-control-expose-headers', exposedHeaders);
    const preflight = request.headers['access-control-request-method'] !== undefined;
    if (request.method !== 'OPTIONS' || !preflight) return;
    await reply
      .code(204)
      .header('access-control-allow-methods', methods)
      .header('access-control-allow-headers', allowedHeaders)
      .header('access-control-max-age', maxAge)
      .send();
  });
}
