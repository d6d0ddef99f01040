/** Health, readiness and metadata of the server (Open Inference Protocol). */
import type { FastifyInstance } from 'fastify';
import type { HttpContext } from '../context.ts';
import { liveness, serverMetadata } from '../schemas.ts';

export function healthRoutes(app: FastifyInstance, { version, ready }: HttpContext): void {
  app.get(
    '/v2/health/live',
    {
      schema: {
        summary: 'Whether the server runs',
        tags: ['health'],
        response: { 200: { ...liveness, description: 'it runs' } },
      },
    },
    async () => ({ live: true }),
  );
  app.get(
    '/v2/health/ready',
    {
      schema: {
        summary: 'Whether it takes requests: not before its plans are loaded, nor once it stops',
        tags: ['health'],
        response: {
          200: { ...liveness, description: 'it takes requests' },
          503: { ...liveness, description: 'it is stopping' },
        },
      },
    },
    async (_, reply) => reply.code(ready() ? 200 : 503).send({ live: true, ready: ready() }),
  );
  app.get(
    '/v2',
    {
      schema: {
        summary: 'Name, version and extensions of the server',
        tags: ['metadata'],
        response: { 200: serverMetadata },
      },
    },
    async () => ({
      name: 'cipherloom',
      version,
      extensions: ['binary_tensor_data', 'model_repository'],
    }),
  );
}
