/** Metadata and readiness of models, and what their clients need. */
import type { FastifyInstance } from 'fastify';
import { executionBytes } from '../../models/served-model.ts';
import type { ServedModel } from '../../models/served-model.ts';
import type { HttpContext } from '../context.ts';
import { findModel } from '../find-model.ts';
import type { ModelPath } from '../find-model.ts';
import {
  errors,
  modelMetadata,
  modelParams,
  modelReadiness,
  repositoryIndex,
  secured,
  versionParams,
} from '../schemas.ts';

export function modelRoutes(app: FastifyInstance, { models, ready }: HttpContext): void {
  for (const [path, params] of [
    ['/v2/models/:name', modelParams],
    ['/v2/models/:name/versions/:version', versionParams],
  ] as const) {
    app.get<{ Params: ModelPath }>(
      path,
      {
        schema: {
          summary: 'Inputs and outputs of a model',
          tags: ['metadata'],
          security: secured,
          params,
          response: { 200: modelMetadata, ...errors(401, 404) },
        },
      },
      async ({ params: asked }) => metadata(findModel(models, asked)),
    );
    app.get<{ Params: ModelPath }>(
      `${path}/ready`,
      {
        schema: {
          summary: 'Whether a model takes requests',
          tags: ['health'],
          security: secured,
          params,
          response: {
            200: { ...modelReadiness, description: 'it takes requests' },
            503: { ...modelReadiness, description: 'the server is stopping' },
            ...errors(401, 404),
          },
        },
      },
      async ({ params: asked }, reply) => {
        const { name } = findModel(models, asked);
        return reply.code(ready() ? 200 : 503).send({ name, ready: ready() });
      },
    );
  }
  app.post(
    '/v2/repository/index',
    {
      schema: {
        summary: 'The models of the server (model repository extension); a body is not read',
        tags: ['metadata'],
        security: secured,
        response: { 200: repositoryIndex, ...errors(401) },
      },
    },
    async () =>
      [...models.values()].map(({ name, version }) => ({
        name,
        version,
        state: ready() ? 'READY' : 'UNAVAILABLE',
      })),
  );
  app.get<{ Params: ModelPath }>(
    '/v2/models/:name/client.json',
    {
      schema: {
        summary: 'The part of the plan that clients need: parameters, layouts, keys; no weights',
        tags: ['metadata'],
        security: secured,
        params: modelParams,
        response: {
          200: { type: 'object', additionalProperties: true, description: 'client.json' },
          ...errors(401, 404),
        },
      },
    },
    async ({ params }, reply) => {
      const { clientText, planHash } = findModel(models, params);
      void reply.header('etag', `"${planHash}"`);
      // The text as it is: its numbers are exact.
      return reply.type('application/json; charset=utf-8').serializer(String).send(clientText);
    },
  );
}

function metadata(model: ServedModel): Record<string, unknown> {
  const { name, version, client, planHash, keyBytes } = model;
  const ciphertext = { name: 'ciphertext', datatype: 'BYTES', shape: [1] };
  const { request, response } = executionBytes(model);
  return {
    name,
    versions: [version],
    platform: 'cipherloom_ckks',
    inputs: [
      ciphertext,
      ...(client.publicInputs ?? []).map((input) => ({
        name: input.name,
        datatype: 'FP32',
        shape: input.shape,
      })),
    ],
    outputs: [ciphertext],
    parameters: {
      plan: planHash,
      batch: client.batch,
      key_bytes: keyBytes,
      request_bytes: request,
      response_bytes: response,
    },
  };
}
