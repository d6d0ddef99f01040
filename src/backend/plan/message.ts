/** The protobuf section of a plan as typed data: encoded and decoded by reflection on the schema. */
import protobuf from 'protobufjs/light.js';
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { planSchema } from './schema.ts';

/** Lists of a hostile file end here; each element takes at least two bytes of a bounded section. */
const many = 2 ** 20;
const name = z.string().max(4096);
const index = z.int().nonnegative();
const positive = z.int().positive();
/** uint64 as decimal text. */
const large = z.string().regex(/^\d{1,20}$/);

/** Attribute trees are read by hand (see attributes.ts): their depth is bounded by the decoder. */
const record = z.looseObject({ fields: z.array(z.unknown()) });

const constants = z
  .array(z.object({ name: name.min(1), shape: z.array(index).max(16), blob: index }))
  .max(many);

const output = z.object({
  name: z.string().min(1).max(512),
  value: index,
  postprocess: z.array(record).max(4),
});

const messageSchema = z.object({
  producer: name,
  name,
  features: z.array(name).max(64),
  modelDigest: z.instanceof(Uint8Array).refine(({ length }) => length === 0 || length === 32),
  modulus: z.object({
    ringDegree: positive,
    primes: z.array(large).min(1).max(128),
    specialPrimes: z.array(large).min(1).max(32),
  }),
  security: z.object({
    target: z.union([z.literal(128), z.literal(192), z.literal(256)]),
    insecure: z.boolean(),
  }),
  layouts: z
    .array(
      z.object({
        shape: z.array(positive).max(16),
        slots: positive,
        ciphertexts: positive,
        origin: z.array(z.int()).max(16),
        digits: z
          .array(
            z.object({
              of: z.enum(['axis', 'batch', 'copy']),
              axis: index.optional(),
              batch: z.literal(true).optional(),
              copy: z.literal(true).optional(),
              size: positive,
              step: index,
              inCiphertext: z.boolean(),
              stride: index,
            }),
          )
          .max(64),
        unusedBound: z.number().positive().optional(),
      }),
    )
    .max(65536),
  blobs: z
    .array(
      z.object({
        encoding: z.enum(['FLOAT32', 'FLOAT64', 'VARINT']),
        bytes: large,
        count: large,
      }),
    )
    .max(many),
  constants,
  operations: z
    .array(
      z.object({
        code: positive,
        operands: z.array(index).max(65536),
        attributes: record,
        type: z.object({
          layout: index,
          size: z.union([z.literal(2), z.literal(3)]),
          level: index,
          scale: z.string().max(4096),
          range: z
            .object({
              lo: z.number(),
              hi: z.number(),
              source: z.enum(['DECLARED', 'PROVED', 'CALIBRATED']),
            })
            .nullish(),
        }),
        location: name.optional(),
        lastUse: index,
      }),
    )
    .min(1)
    .max(many),
  outputs: z.array(output).min(1).max(64),
  keys: z.object({
    relinearisationPrimes: index,
    rotations: z.array(z.object({ step: z.int(), primes: positive })).max(65536),
  }),
  budgets: z.object({
    precisionBits: z.number(),
    peakCiphertextBytes: z.number().nonnegative(),
    rangeEscape: z.number().min(0).max(1).optional(),
  }),
  publicPart: z
    .object({
      constants,
      operations: z
        .array(
          z.object({
            code: positive,
            operands: z.array(index).max(65536),
            attributes: record,
            location: name.optional(),
          }),
        )
        .min(1)
        .max(65536),
      outputs: z.array(output).min(1).max(65536),
    })
    .nullish(),
});

export type PlanMessage = z.infer<typeof messageSchema>;

const planType = protobuf.Root.fromJSON(planSchema).lookupType('cipherloom.plan.Plan');

/** Encode a message; equal messages give equal bytes. */
export function encodeMessage(message: PlanMessage): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(planType.encode(planType.fromObject(message)).finish());
}

/** Decode and check the form of a message. Throws PLAN_INVALID naming the field. */
export function decodeMessage(bytes: Uint8Array): PlanMessage {
  let decoded: unknown;
  try {
    decoded = planType.toObject(planType.decode(bytes), {
      longs: String,
      enums: String,
      defaults: true,
      oneofs: true,
    });
  } catch (cause) {
    throw new CipherloomError('PLAN_INVALID', 'the program section is not a plan message', {
      phase: 'plan',
      hint: 'compile the model again',
      cause,
    });
  }
  const parsed = messageSchema.safeParse(decoded);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new CipherloomError('PLAN_INVALID', `field ${path}: ${issue?.message ?? 'invalid'}`, {
    phase: 'plan',
    node: path,
    details: { path },
    hint: 'compile the model again',
  });
}
