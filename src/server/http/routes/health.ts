/** Health, readiness and metadata of the server (Open Inference Protocol). */
import type { FastifyInstance } from 'fastify';
import type { HttpContext } from '../context.ts';
import { nothing, serverMetadata } from '../schemas.ts';

export function healthRoutes(app: FastifyInstance, { version, ready }: HttpContext): void {
  app.get(
    '/v2/health/live',
    {
      schema: { summary: 'Whether the server runs', tags: ['health'], response: { 200: nothing } },
    },
    async (_, reply) => reply.code(200).send(),
  );
  app.get(
    '/v2/health/ready',
    {
      schema: {
        summary: 'Whether it takes requests: not before its plans are loaded, nor once it stops',
        tags: ['health'],
        response: { 200: nothing, 503: nothing },
      },
    },
    async (_, reply) => reply.code(ready() ? 200 : 503).send(),
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
    async () => ({ name: 'cipherloom', version, extensions: ['binary_tensor_data'] }),
  );
}
