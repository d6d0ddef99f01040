/** A request as one object of the store: the ciphertext file, and the tensors that are public. */
import type { PublicTensors } from '../../../backend/execute/public-values.ts';
import { CipherloomError } from '../../../errors.ts';

export interface RequestBody {
  readonly request: Uint8Array<ArrayBuffer>;
  readonly public: PublicTensors;
}

interface TensorHead {
  readonly name: string;
  readonly bits: 32 | 64;
  readonly shape: readonly number[] | null;
  readonly elements: number;
}

interface Head {
  readonly tensors: readonly TensorHead[];
}

/** Little-endian length of the head, the head as JSON, tensors in its order, the ciphertext file. */
export function encodeRequestBody({ request, public: given }: RequestBody): Uint8Array {
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
  return Buffer.concat([length, text, ...parts, request]);
}

/** ASSUME: the bytes have the digest that was noted when they were encoded. Throws REQUEST_INVALID. */
export function decodeRequestBody(bytes: Uint8Array): RequestBody {
  try {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 4 + view.readUInt32LE(0);
    const head = JSON.parse(view.toString('utf8', 4, at)) as Head;
    const tensors = head.tensors.map(({ name, bits, shape, elements }) => {
      const end = at + (elements * bits) / 8;
      // A copy, so that the numbers are aligned; `slice` of a Buffer would be none.
      const { buffer } = new Uint8Array(bytes.subarray(at, end));
      at = end;
      const data = bits === 32 ? new Float32Array(buffer) : new Float64Array(buffer);
      return [name, shape === null ? data : { data, shape }] as const;
    });
    return { request: new Uint8Array(bytes.subarray(at)), public: Object.fromEntries(tensors) };
  } catch (cause) {
    throw new CipherloomError('REQUEST_INVALID', 'a request in the queue is malformed', {
      phase: 'server',
      details: { bytes: bytes.length },
      cause,
      hint: 'server and workers must be of the same version of cipherloom',
    });
  }
}
