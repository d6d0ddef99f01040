/** A request as one object of the store: what is known of it in the clear, then the ciphertext file. */
import { createHash } from 'node:crypto';
import type { PublicTensors } from '../../../backend/execute/public-values.ts';
import { CipherloomError } from '../../../errors.ts';
import { ciphertextFileChecksum } from '../../../seal/index.ts';

export interface RequestBody {
  readonly request: Uint8Array<ArrayBuffer>;
  readonly public: PublicTensors;
}

/** The pieces of the object; the ciphertext file is not copied. */
export type RequestPieces = readonly [head: Uint8Array, request: Uint8Array<ArrayBuffer>];

interface TensorHead {
  readonly name: string;
  readonly bits: 32 | 64;
  readonly shape: readonly number[] | null;
  readonly elements: number;
}

interface Head {
  readonly tensors: readonly TensorHead[];
}

/** The first piece: little-endian length of the head, the head as JSON, tensors in its order. */
export function encodeRequestBody({ request, public: given }: RequestBody): RequestPieces {
  const tensors = Object.entries(given).map(([name, tensor]) => {
    const { data, shape } = ArrayBuffer.isView(tensor) ? { data: tensor, shape: null } : tensor;
    return { name, shape, data };
  });
  const head: Head = {
    tensors: tensors.map(({ name, shape, data }) => ({
      name,
      bits: data instanceof Float32Array ? 32 : 64,
      shape,
      elements: data.length,
    })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const parts = tensors.map(({ data }) =>
    data instanceof Float32Array
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(Float64Array.from(data).buffer),
  );
  return [Buffer.concat([length, text, ...parts]), request];
}

/**
 * Names a request by its content, hex.
 *
 * Its megabytes are not read: a ciphertext file ends with its own SHA-256, which was compared before it
 * came into the queue, and is compared again when it is evaluated.
 */
export function requestDigest([head, request]: RequestPieces): string {
  const hash = createHash('sha256').update(head);
  return hash.update(ciphertextFileChecksum(request)).digest('hex');
}

/** ASSUME: the pieces have the digest that was noted when they were encoded. Throws REQUEST_INVALID. */
export function decodeRequestBody([head, request]: RequestPieces): RequestBody {
  try {
    const view = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
    let at = 4 + view.readUInt32LE(0);
    const { tensors } = JSON.parse(view.toString('utf8', 4, at)) as Head;
    const known = tensors.map(({ name, bits, shape, elements }) => {
      const end = at + (elements * bits) / 8;
      // A copy, so that the numbers are aligned; `slice` of a Buffer would be none.
      const { buffer } = new Uint8Array(head.subarray(at, end));
      at = end;
      const data = bits === 32 ? new Float32Array(buffer) : new Float64Array(buffer);
      return [name, shape === null ? data : { data, shape }] as const;
    });
    return { request, public: Object.fromEntries(known) };
  } catch (cause) {
    throw new CipherloomError('REQUEST_INVALID', 'a request in the queue is malformed', {
      phase: 'server',
      details: { bytes: head.length + request.length },
      cause,
      hint: 'server and workers must be of the same version of cipherloom',
    });
  }
}
