/** Errors as answers: a status, and a body that names cause and way out, never a stack or a path. */
import type { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import { CipherloomError, InternalError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { RequestError } from '../request-error.ts';

/** Statuses of errors that the evaluation and the files behind it throw; others are 500. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  CIPHERTEXT_INVALID: 400,
  CIPHERTEXT_TRUNCATED: 400,
  DEADLINE_EXCEEDED: 504,
  INPUT_INVALID: 422,
  KEYS_INVALID: 422,
  KEYS_MISMATCH: 422,
  NOT_FOUND: 404,
  PLAN_MISMATCH: 422,
  REQUEST_CONFLICT: 409,
  REQUEST_INVALID: 400,
  RESOURCE_LIMIT: 413,
  SERVER_BUSY: 503,
  UNAUTHORIZED: 401,
};

/** Fields of a ciphertext that are well formed, but not what the plan says. */
const unfitFields: readonly unknown[] = [
  'parms_id (parameters and level)',
  'NTT flag',
  'number of polynomials',
  'ring degree',
  'number of primes',
  'scale',
  'correction factor',
  'second polynomial',
  'generator',
];

export function statusOf(error: CipherloomError): number {
  if (error instanceof RequestError) return error.status;
  const { code, details } = error;
  if (code === 'CIPHERTEXT_INVALID' && unfitFields.includes(details['field'])) return 422;
  return statuses[code] ?? 500;
}

export interface ErrorBody {
  /** What went wrong; the Open Inference Protocol has this field. */
  readonly error: string;
  readonly code: ErrorCode;
  readonly hint: string | null;
  /** The numbers compared. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What a client sees of an error; of our own faults it sees the id under which the log has them. */
export function errorBody(error: CipherloomError, requestId: string): ErrorBody {
  if (statusOf(error) === 500 && !(error instanceof RequestError)) {
    return {
      error: `the server failed; its log has it under ${requestId}`,
      code: 'INTERNAL',
      hint: 'send the request again; if it fails again, tell the operator of the server',
    };
  }
  const { code, message, hint, details } = error;
  return {
    error: message,
    code,
    hint,
    ...(Object.keys(details).length === 0 ? {} : { details }),
    ...(error instanceof RequestError ? error.body : {}),
  };
}

/** Bodies up to here are read to their end and dropped, so that a client that still sends sees the answer. */
const droppedBytes = 2 ** 26;

/** Whether the connection can go on; what comes late, is large or of no known length ends it. */
function mayDropRest(request: IncomingMessage, status: number): boolean {
  if (status === 408 || status === 411) return false;
  return request.complete || Number(request.headers['content-length']) <= droppedBytes;
}

/** Send an error; the connection is closed where a body was not read and is large, or of no known length. */
export async function replyWithError(reply: FastifyReply, thrown: unknown): Promise<FastifyReply> {
  const error =
    thrown instanceof CipherloomError
      ? thrown
      : new InternalError(thrown instanceof Error ? thrown.message : String(thrown), {
          cause: thrown,
        });
  const status = statusOf(error);
  const { request } = reply;
  if (status === 500) request.log.error({ err: error.cause ?? error }, 'request failed');
  if (error instanceof RequestError && error.retryAfter !== null) {
    void reply.header('retry-after', error.retryAfter);
  }
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  if (mayDropRest(request.raw, status)) request.raw.resume();
  else void reply.header('connection', 'close');
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(error, request.id)));
}
