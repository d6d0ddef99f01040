/** Inference on ciphertexts. */
import { createHash, randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ciphertextFileChecksum, readCiphertextFile } from '../../../seal/index.ts';
import { CipherloomError } from '../../../errors.ts';
import { executionBytes } from '../../models/served-model.ts';
import type { ServedModel } from '../../models/served-model.ts';
import { noSuchKeys } from '../../keys/no-such-keys.ts';
import { malformed, RequestError } from '../../request-error.ts';
import type { HttpContext } from '../context.ts';
import { contentLength, readBody, requireBodyWithin, requireContentType } from '../read-body.ts';
import { findModel } from '../find-model.ts';
import type { ModelPath } from '../find-model.ts';
import { maxHeaderBytes, readInferRequest } from '../infer-request.ts';
import type { InferRequest } from '../infer-request.ts';
import { writeInferResponse } from '../infer-response.ts';
import { errors, modelParams, secured, versionParams } from '../schemas.ts';
import { untilClosed } from '../until-closed.ts';

const headerLength = 'inference-header-content-length';

const binaryBody = {
  description:
    'JSON of the Open Inference Protocol, then the binary tensors; `parameters` name the keys (SHA-256 of evaluation.keys) and the plan',
  content: {
    'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
  },
} as const;

export function inferRoutes(app: FastifyInstance, context: HttpContext): void {
  for (const [path, params] of [
    ['/v2/models/:name/infer', modelParams],
    ['/v2/models/:name/versions/:version/infer', versionParams],
  ] as const) {
    app.post<{ Params: ModelPath }>(
      path,
      {
        schema: {
          summary: 'Evaluate a model on ciphertexts',
          tags: ['inference'],
          security: secured,
          consumes: ['application/octet-stream'],
          params,
          response: {
            200: binaryBody,
            ...errors(400, 401, 404, 408, 409, 411, 413, 415, 422, 429, 500, 503, 504),
          },
        },
      },
      async (request, reply) => {
        const model = findModel(context.models, request.params);
        return infer(context, model, request, reply);
      },
    );
  }
}

async function infer(
  context: HttpContext,
  model: ServedModel,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { admission, limits, metrics } = context;
  requireContentType(request.raw, ['application/octet-stream', 'application/json']);
  const length = contentLength(request.raw);
  requireBodyWithin(length, limits.maxRequestBytes);
  const headerBytes = readHeaderLength(request, length);
  const { tenant } = request;
  const place = admission.enter(tenant, length + answerBytes(model, length));
  // Until the answer is sent: it lies in memory, and a server that stops waits for it.
  reply.raw.once('close', () => {
    place[Symbol.dispose]();
  });
  using closed = untilClosed(request, reply, context);
  const body = await readBody(request.raw, length, limits.bodyTimeoutMs);
  metrics.receivedBytes.inc({ model: model.name }, length);
  const sent = readInferRequest(body, headerBytes, model);
  const keys = await usableKeys(context, model, tenant, sent);
  // Refused before it waits, where it is no ciphertext file of this plan.
  const file = await readCiphertextFile(sent.ciphertext, model.inputs);

  const { id } = sent;
  const ciphertext = await context.answers.answer(
    id === null ? null : `${tenant}\n${model.planHash}\n${id}`,
    id === null ? '' : bodyDigest(body, sent),
    async (signal) => {
      metrics.runs.inc({ model: model.name });
      const startedAt = performance.now();
      const results = await context.queue.evaluate(
        {
          // Under the client's id a queue of workers keeps the answer beyond this process.
          id: id === null ? randomUUID() : `${model.planHash}\n${id}`,
          tenant,
          model: model.name,
          planHash: model.planHash,
          keys,
          request: sent.ciphertext,
          file,
          public: sent.public,
        },
        { signal },
      );
      const took = performance.now() - startedAt;
      place.took(took);
      metrics.evaluationSeconds.observe({ model: model.name }, took / 1000);
      return results;
    },
    closed.signal,
  );
  const answer = writeInferResponse(model, id, ciphertext);
  metrics.sentBytes.inc({ model: model.name }, answer.body.length);
  return await reply
    .code(200)
    .header(headerLength, answer.headerBytes)
    .type('application/octet-stream')
    .send(Buffer.from(answer.body.buffer));
}

/** Bytes of the JSON: the whole body where nothing binary follows. Throws REQUEST_INVALID. */
function readHeaderLength({ headers }: FastifyRequest, length: number): number {
  const text = headers[headerLength] ?? String(length);
  const bytes = /^\d{1,15}$/.test(String(text)) ? Number(text) : NaN;
  const most = Math.min(length, maxHeaderBytes);
  if (bytes >= 2 && bytes <= most) return bytes;
  const got = headers[headerLength] === undefined ? 'missing' : JSON.stringify(text).slice(0, 32);
  throw malformed(`Inference-Header-Content-Length is ${got}, expected 2 to ${most}`, {
    node: headerLength,
    details: { least: 2, most },
    hint: 'it is the length of the JSON before the tensors, in bytes',
  });
}

/** Predicted bytes of the answer to so many bytes of ciphertexts, and of the session's copies. */
function answerBytes(model: ServedModel, length: number): number {
  const { request, response } = executionBytes(model);
  return Math.ceil(length / request) * response + length;
}

/** Throws NOT_FOUND for a plan or keys that are not here, PLAN_MISMATCH, REQUEST_CONFLICT. */
async function usableKeys(
  { keys }: HttpContext,
  model: ServedModel,
  tenant: string,
  sent: InferRequest,
): Promise<string> {
  if (sent.plan !== null && sent.plan !== model.planHash) {
    throw new RequestError('NOT_FOUND', 'no such plan', {
      status: 404,
      hint: `GET /v2/models/${model.name}/client.json is the client's part of the plan that is served`,
    });
  }
  const stored = await keys.use(tenant, sent.keys);
  if (stored === null) {
    const state = await keys.state(tenant, sent.keys);
    if (state === null) throw noSuchKeys();
    const { received, total } = state;
    throw new RequestError(
      'REQUEST_CONFLICT',
      `${received} of ${total} bytes of the keys are here`,
      {
        status: 409,
        details: { received, total },
        body: { received },
        hint: `upload the rest, from byte ${received}`,
      },
    );
  }
  if (stored.planHash !== model.planHash) {
    throw new CipherloomError('KEYS_MISMATCH', 'evaluation keys: they belong to another plan', {
      phase: 'server',
      details: { got: stored.planHash, expected: model.planHash },
      hint: 'make keys for this plan and upload them',
    });
  }
  return sent.keys;
}

/** Names a body by its content, hex; the ciphertext file in it by the checksum that was compared with it. */
function bodyDigest(body: Uint8Array, { ciphertext }: InferRequest): string {
  const from = ciphertext.byteOffset - body.byteOffset;
  return createHash('sha256')
    .update(body.subarray(0, from))
    .update(ciphertextFileChecksum(ciphertext))
    .update(body.subarray(from + ciphertext.length))
    .digest('hex');
}
