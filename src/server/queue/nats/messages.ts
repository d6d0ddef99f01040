/** What servers and workers tell each other. */
import { z } from 'zod';
import { CipherloomError, errorCodes } from '../../../errors.ts';
import type { ErrorCode } from '../../../errors.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const format = z.literal(2);

/** A request or a response that is stored, by content. */
const objectSchema = z.object({
  object: z.string().regex(/^[0-9a-f-]{1,128}$/),
  /** Bytes of each of its pieces. */
  pieces: z
    .array(
      z
        .number()
        .int()
        .nonnegative()
        .max(2 ** 32),
    )
    .min(1)
    .max(2),
  sha256: hash,
});

/** A job: references alone, since a queue is slow with payloads. */
const jobSchema = z.object({
  format,
  name: hash,
  tenant: z.string().min(1),
  model: z.string(),
  planHash: hash,
  keys: hash,
  /** See `bodyHash`. */
  body: hash,
  request: objectSchema,
});

const errorSchema = z.object({
  code: z.string().refine((code): code is ErrorCode => code in errorCodes),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
  hint: z.string().nullable(),
});

const answerSchema = z.object({
  format,
  name: hash,
  body: hash,
  /** Of the worker's run that gave it. */
  run: z.string(),
  result: z.union([
    z.object({ kind: z.literal('response'), response: objectSchema }),
    z.object({
      kind: z.literal('error'),
      error: errorSchema,
      /** Whether the same request would fail again; else it may be sent again under its id. */
      final: z.boolean(),
    }),
  ]),
});

const eventSchema = z.union([
  z.object({ kind: z.literal('started'), worker: z.string(), delivery: z.number().int() }),
  z.object({ kind: z.literal('progress'), done: z.number(), total: z.number() }),
  z.object({ kind: z.literal('answered') }),
  z.object({ kind: z.literal('failed'), delivery: z.number().int(), reason: z.string() }),
]);

const workerSchema = z.object({
  worker: z.string(),
  capacity: z.number().int().nonnegative(),
  running: z.number().int().nonnegative(),
  /** Parts of plans (`consumerName`) of which keys are ready. */
  ready: z.array(z.string()),
});

const keysHeadSchema = z.object({
  bytes: z.number().int().positive(),
  storedAt: z.number(),
});

const forgetSchema = z.object({ tenant: z.string(), keys: hash });

export type StoredObject = z.output<typeof objectSchema>;
export type JobMessage = z.output<typeof jobSchema>;
export type AnswerMessage = z.output<typeof answerSchema>;
export type JobEvent = z.output<typeof eventSchema>;
export type WorkerMessage = z.output<typeof workerSchema>;
export type ForgetMessage = z.output<typeof forgetSchema>;

/** One kind of message, as JSON. */
export interface MessageKind<T> {
  encode(message: T): Uint8Array;
  /** Throws REQUEST_INVALID. */
  decode(bytes: Uint8Array): T;
}

export const jobMessage = messageKind<JobMessage>('job', jobSchema);
export const answerMessage = messageKind<AnswerMessage>('answer', answerSchema);
export const jobEvent = messageKind<JobEvent>('event', eventSchema);
export const workerMessage = messageKind<WorkerMessage>('worker', workerSchema);
export const keysHead = messageKind<z.output<typeof keysHeadSchema>>('head', keysHeadSchema);
export const forgetMessage = messageKind<ForgetMessage>('forget', forgetSchema);

function messageKind<T>(name: string, schema: z.ZodType<T>): MessageKind<T> {
  return {
    encode: (message) => Buffer.from(JSON.stringify(message)),
    decode(bytes) {
      try {
        return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      } catch (cause) {
        throw new CipherloomError('REQUEST_INVALID', `a message of the queue is no ${name}`, {
          phase: 'server',
          details: { bytes: bytes.length },
          cause,
          hint: 'server and workers must be of the same version of cipherloom',
        });
      }
    },
  };
}
