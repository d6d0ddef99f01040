/** Evaluation keys: uploaded in parts, by content. */
import type { FastifyInstance } from 'fastify';
import type { UploadPart } from '../../keys/key-store.ts';
import { noSuchKeys } from '../../keys/no-such-keys.ts';
import { malformed, RequestError } from '../../request-error.ts';
import type { HttpContext } from '../context.ts';
import { findModel } from '../find-model.ts';
import { bodyChunks, contentLength, requireContentType } from '../read-body.ts';
import { errors, keyParams, keyState, nothing, secured } from '../schemas.ts';

interface KeyPath {
  readonly sha256: string;
}

export function keyRoutes(app: FastifyInstance, context: HttpContext): void {
  const { keys, queue, models, limits, metrics } = context;
  app.put<{ Params: KeyPath; Querystring: { model: string } }>(
    '/v2/keys/:sha256',
    {
      schema: {
        summary: 'Upload evaluation keys, whole or in parts (Content-Range: bytes A-B/TOTAL)',
        tags: ['keys'],
        security: secured,
        consumes: ['application/octet-stream'],
        params: keyParams,
        querystring: {
          type: 'object',
          required: ['model'],
          properties: { model: { type: 'string', description: 'model that they are for' } },
        },
        response: {
          200: { ...keyState, description: 'they were here already' },
          201: { ...keyState, description: 'they are complete and verified' },
          202: { ...keyState, description: 'this part has arrived' },
          ...errors(400, 401, 404, 408, 409, 411, 413, 415, 422, 503, 507),
        },
      },
    },
    async ({ raw, params, query, headers, tenant }, reply) => {
      const model = findModel(models, { name: query.model });
      requireId(params.sha256);
      requireContentType(raw, ['application/octet-stream']);
      if (!context.ready()) throw stopping();
      const part = readPart(headers['content-range'], contentLength(raw));
      const state = await keys.put(
        tenant,
        params.sha256,
        model,
        part,
        bodyChunks(raw, limits.bodyTimeoutMs),
      );
      const { received, total, complete, present } = state;
      if (!present) metrics.keyBytes.inc(part.end - part.from);
      if (!complete) return reply.code(202).send({ received, total, complete });
      const found = await keys.use(tenant, params.sha256);
      if (found !== null) await queue.publishKeys(tenant, params.sha256, found.file);
      return reply.code(present ? 200 : 201).send({ received, total, complete, missing: [] });
    },
  );
  app.get<{ Params: KeyPath }>(
    '/v2/keys/:sha256',
    {
      schema: {
        summary: 'How much of an upload has arrived',
        tags: ['keys'],
        security: secured,
        params: keyParams,
        response: { 200: keyState, ...errors(401, 404) },
      },
    },
    async ({ params, tenant }) => {
      const state = await keys.state(tenant, params.sha256);
      if (state === null) throw noSuchKeys();
      const { received, total, complete } = state;
      return { received, total, complete, missing: [] };
    },
  );
  app.delete<{ Params: KeyPath }>(
    '/v2/keys/:sha256',
    {
      schema: {
        summary: 'Remove keys, or what has arrived of them',
        tags: ['keys'],
        security: secured,
        params: keyParams,
        response: { 204: nothing, ...errors(401, 404) },
      },
    },
    async ({ params, tenant }, reply) => {
      if (!(await keys.remove(tenant, params.sha256))) throw noSuchKeys();
      await queue.forgetKeys(tenant, params.sha256);
      return reply.code(204).send();
    },
  );
}

/** Throws REQUEST_INVALID. */
function requireId(sha256: string): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw malformed('keys are named by their SHA-256: 64 hex digits, lower case', {
    node: 'sha256',
    hint: 'sha256sum evaluation.keys',
  });
}

/** `bytes A-B/TOTAL`, or the whole where it is missing. Throws REQUEST_INVALID. */
function readPart(range: string | undefined, length: number): UploadPart {
  if (length === 0) throw malformed('the body is empty', { node: 'Content-Length' });
  if (range === undefined) return { from: 0, end: length, total: length, restart: true };
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(range);
  const [from, last, total] = (match?.slice(1) ?? []).map(Number);
  if (from === undefined || last === undefined || total === undefined) {
    throw malformed('Content-Range is not bytes A-B/TOTAL', { node: 'Content-Range' });
  }
  if (last - from + 1 !== length || last >= total) {
    throw malformed(
      `Content-Range says bytes ${from} to ${last} of ${total}, the body has ${length}`,
      { node: 'Content-Range', details: { from, last, total, got: length } },
    );
  }
  return { from, end: last + 1, total, restart: false };
}

function stopping(): RequestError {
  return new RequestError('SERVER_BUSY', 'the server is stopping', {
    status: 503,
    retryAfter: 5,
    hint: 'go on with the upload later; what arrived stays',
  });
}
