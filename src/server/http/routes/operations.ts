/** For whoever runs the server: a page, metrics, and the description of the routes. */
import type { FastifyInstance } from 'fastify';
import type { HttpContext } from '../context.ts';
import { statusPage } from '../status-page.ts';

export function operationRoutes(app: FastifyInstance, context: HttpContext): void {
  const { metrics } = context;
  app.get('/', { schema: { hide: true } }, async (_, reply) => {
    void reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    return reply.type('text/html; charset=utf-8').send(statusPage(context));
  });
  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Figures for Prometheus',
        tags: ['operation'],
        response: { 200: { type: 'string', description: 'text of Prometheus' } },
      },
    },
    async (_, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
