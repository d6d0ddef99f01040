/** The body of an inference request: JSON, then binary tensors (Open Inference Protocol, binary extension). */
import { z } from 'zod';
import type { TensorLike } from '../../layout/read-inputs.ts';
import { malformed } from '../request-error.ts';
import type { ServedModel } from '../models/served-model.ts';
import { parseStrictJson } from './strict-json.ts';

export interface InferRequest {
  /** The client's name for it, for repetition; null where it has none. */
  readonly id: string | null;
  /** SHA-256 of the evaluation keys. */
  readonly keys: string;
  /** Hash of the plan that the client has; null where it does not say. */
  readonly plan: string | null;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
  readonly public: Readonly<Record<string, TensorLike>>;
}

/** The JSON before the tensors has no more bytes. */
export const maxHeaderBytes = 2 ** 20;

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in 64 hex digits');
const dimension = z.int().min(0);

const inputSchema = z.strictObject({
  name: z.string(),
  shape: z.array(dimension).max(16),
  datatype: z.string(),
  parameters: z.looseObject({ binary_data_size: dimension.optional() }).optional(),
  data: z.unknown().optional(),
});

const requestSchema = z.object({
  id: z.string().min(1).max(256).optional(),
  parameters: z.looseObject({ keys: hash, plan: hash.optional() }),
  inputs: z.array(inputSchema),
  outputs: z
    .array(
      z.strictObject({
        name: z.string(),
        parameters: z.looseObject({ binary_data: z.boolean().optional() }).optional(),
      }),
    )
    .optional(),
});

type Input = z.output<typeof inputSchema>;

/**
 * Read a request; `headerBytes` is `Inference-Header-Content-Length`.
 *
 * Bytes are shared with the body. Throws REQUEST_INVALID with the path in the JSON.
 */
export function readInferRequest(
  body: Uint8Array<ArrayBuffer>,
  headerBytes: number,
  model: ServedModel,
): InferRequest {
  const parsed = requestSchema.safeParse(parseStrictJson(body.subarray(0, headerBytes)));
  if (!parsed.success) throw describeIssue(parsed.error);
  const { id, parameters, inputs, outputs } = parsed.data;
  requireInputs(inputs, model);
  for (const [k, { name, parameters: asked }] of (outputs ?? []).entries()) {
    if (name !== 'ciphertext') {
      throw at(`outputs[${k}].name`, `there is no output ${JSON.stringify(name)}`, 'ciphertext');
    }
    if (asked?.binary_data === false) {
      throw at(`outputs[${k}].parameters.binary_data`, 'ciphertexts do not fit into JSON', 'true');
    }
  }
  let offset = headerBytes;
  let ciphertext: Uint8Array<ArrayBuffer> | null = null;
  const known: Record<string, TensorLike> = {};
  for (const [k, input] of inputs.entries()) {
    const path = `inputs[${k}]`;
    const size = input.parameters?.binary_data_size;
    const binary = size === undefined ? null : body.subarray(offset, offset + size);
    if (binary !== null && binary.length !== size) {
      throw at(
        `${path}.parameters.binary_data_size`,
        `${String(size)} bytes from byte ${offset}`,
        `at most ${body.length - offset}`,
      );
    }
    offset += size ?? 0;
    if (input.name === 'ciphertext') ciphertext = readCiphertext(input, binary, path);
    else known[input.name] = readNumbers(input, binary, path);
  }
  if (offset !== body.length) {
    throw malformed(`the tensors end at byte ${offset}, the body has ${body.length}`, {
      details: { got: body.length, expected: offset },
      hint: 'binary_data_size of each input is its exact length',
    });
  }
  // `requireInputs` saw one.
  return {
    id: id ?? null,
    keys: parameters.keys,
    plan: parameters.plan ?? null,
    ciphertext: ciphertext ?? new Uint8Array(),
    public: known,
  };
}

/** Each input once. Throws REQUEST_INVALID with the number and the names expected. */
function requireInputs(inputs: readonly Input[], { client }: ServedModel): void {
  const expected = ['ciphertext', ...(client.publicInputs ?? []).map(({ name }) => name)];
  const got = inputs.map(({ name }) => name);
  const fits = got.length === expected.length && expected.every((name) => got.includes(name));
  if (fits) return;
  throw malformed(
    `the request has ${got.length} inputs (${got
      .slice(0, 8)
      .map((name) => JSON.stringify(name.slice(0, 64)))
      .join(', ')}), expected ${expected.length}: ${expected.join(', ')}`,
    {
      node: 'inputs',
      details: { path: 'inputs', got: got.length, expected },
      hint: 'one input "ciphertext" holds all ciphertexts of the request',
    },
  );
}

/** One element of datatype BYTES: its length in 4 bytes, then itself. */
function readCiphertext(
  { datatype, shape }: Input,
  binary: Uint8Array<ArrayBuffer> | null,
  path: string,
): Uint8Array<ArrayBuffer> {
  if (datatype !== 'BYTES') throw at(`${path}.datatype`, JSON.stringify(datatype), 'BYTES');
  if (shape.length !== 1 || shape[0] !== 1) {
    throw at(`${path}.shape`, JSON.stringify(shape).slice(0, 64), '[1]');
  }
  if (binary === null) {
    throw at(
      `${path}.parameters.binary_data_size`,
      'missing',
      'the number of bytes after the JSON',
    );
  }
  const length = new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  if (binary.length < 4 || length.getUint32(0, true) !== binary.length - 4) {
    throw at(
      `${path}.parameters.binary_data_size`,
      `${binary.length} bytes`,
      'a length in 4 bytes, little-endian, and that many bytes',
    );
  }
  return binary.subarray(4);
}

/** Numbers of datatype FP32, binary or in the JSON. */
function readNumbers(
  { datatype, shape, data }: Input,
  binary: Uint8Array | null,
  path: string,
): TensorLike {
  if (datatype !== 'FP32') throw at(`${path}.datatype`, JSON.stringify(datatype), 'FP32');
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (binary !== null) {
    if (binary.length !== 4 * count) {
      throw at(`${path}.parameters.binary_data_size`, String(binary.length), String(4 * count));
    }
    // Copied: a Float32Array begins at a multiple of 4.
    return { data: new Float32Array(Uint8Array.from(binary).buffer), shape };
  }
  const numbers = Array.isArray(data) ? data.flat(Infinity) : [];
  if (numbers.length !== count || !numbers.every((value) => typeof value === 'number')) {
    throw at(`${path}.data`, `${numbers.length} values`, `${count} numbers`);
  }
  return { data: Float32Array.from(numbers), shape };
}

function at(path: string, got: string, expected: string): Error {
  return malformed(`${path}: ${got}; expected ${expected}`, {
    node: path,
    details: { path, got, expected },
  });
}

function describeIssue({ issues }: z.ZodError): Error {
  const [issue] = issues;
  const path = (issue?.path ?? []).reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    '$',
  );
  return malformed(`${path}: ${issue?.message ?? 'not what is expected'}`, {
    node: path,
    details: { path },
    hint: 'see docs/service.md for an example',
  });
}
