/**
 * Inference requests and answers: JSON, then binary tensors.
 *
 * Source  Open Inference Protocol v2, binary tensor data extension (KServe). A ciphertext file is one
 *         element of datatype BYTES: its length in 4 bytes, little-endian, then itself.
 */
import { CipherloomError } from '../../errors.ts';
import type { Answer } from './connection.ts';
import { fieldsOf } from './server-error.ts';

/** Bytes of the JSON in front of the tensors. */
export const headerLengthField = 'inference-header-content-length';

/** Largest JSON of an answer; it names one tensor. */
const maxHeaderBytes = 2 ** 16;

/** A tensor that the server reads in the clear. */
export interface PublicTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface InferMessage {
  /** Names the request: sent again, it is answered once. */
  readonly id: string;
  /** SHA-256 of the evaluation keys, hex. */
  readonly keys: string;
  /** Hex. */
  readonly planHash: string;
  readonly ciphertext: Uint8Array;
  readonly publicTensors: readonly PublicTensor[];
}

export interface EncodedMessage {
  readonly headerBytes: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

export function writeInferRequest(message: InferMessage): EncodedMessage {
  const { id, keys, planHash, ciphertext, publicTensors } = message;
  const ciphertextBytes = 4 + ciphertext.length;
  const header = new TextEncoder().encode(
    JSON.stringify({
      id,
      parameters: { keys, plan: planHash },
      inputs: [
        {
          name: 'ciphertext',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: ciphertextBytes },
        },
        ...publicTensors.map(({ name, shape, data }) => ({
          name,
          shape,
          datatype: 'FP32',
          parameters: { binary_data_size: data.byteLength },
        })),
      ],
      outputs: [{ name: 'ciphertext', parameters: { binary_data: true } }],
    }),
  );
  const tensorBytes = publicTensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  const body = new Uint8Array(header.length + ciphertextBytes + tensorBytes);
  body.set(header);
  new DataView(body.buffer).setUint32(header.length, ciphertext.length, true);
  body.set(ciphertext, header.length + 4);
  let at = header.length + ciphertextBytes;
  for (const { data } of publicTensors) {
    body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return { headerBytes: header.length, body };
}

/** Bytes of an answer that holds a ciphertext file of so many bytes, at most. */
export function answerBytes(ciphertextBytes: number): number {
  return maxHeaderBytes + 4 + ciphertextBytes;
}

/**
 * The ciphertext file of an answer, shared with its body; what is in it was not looked at.
 *
 * Throws RESPONSE_INVALID naming the field, what was got and what was expected
 */
export function readInferResponse(
  { headers, body }: Answer,
  expected: { readonly id: string; readonly ciphertextBytes: number },
): Uint8Array<ArrayBuffer> {
  const refuse = (field: string, got: unknown, wanted: unknown): never => {
    const shown = got === undefined ? 'missing' : JSON.stringify(got).slice(0, 80);
    throw new CipherloomError(
      'RESPONSE_INVALID',
      `answer of the server: ${field} is ${shown}, expected ${String(wanted)}`,
      {
        phase: 'client',
        details: { field, got: shown, expected: wanted },
        hint: 'server and client speak different versions, or something between them changed the answer',
      },
    );
  };
  const text = headers.get(headerLengthField);
  const headerBytes = text !== null && /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (headerBytes < 2 || headerBytes > Math.min(body.length, maxHeaderBytes)) {
    refuse(headerLengthField, text, `a number from 2 to ${Math.min(body.length, maxHeaderBytes)}`);
  }
  const { id, outputs } = fieldsOf(body.subarray(0, headerBytes));
  if (id !== expected.id) refuse('id', id, expected.id);
  const list: readonly unknown[] = Array.isArray(outputs) ? outputs : [];
  if (list.length !== 1) refuse('number of outputs', list.length, 1);
  const output = (list[0] ?? {}) as Partial<
    Record<'name' | 'datatype' | 'shape' | 'parameters', unknown>
  >;
  if (output.name !== 'ciphertext') refuse('outputs[0].name', output.name, 'ciphertext');
  if (output.datatype !== 'BYTES') refuse('outputs[0].datatype', output.datatype, 'BYTES');
  const { shape } = output;
  if (!Array.isArray(shape) || shape.length !== 1 || shape[0] !== 1) {
    refuse('outputs[0].shape', shape, '[1]');
  }
  const tensor = body.subarray(headerBytes);
  const stated = (output.parameters as { binary_data_size?: unknown } | undefined)
    ?.binary_data_size;
  if (stated !== tensor.length) refuse('binary_data_size', stated, tensor.length);
  const length =
    tensor.length < 4 ? -1 : new DataView(tensor.buffer, tensor.byteOffset).getUint32(0, true);
  if (length !== tensor.length - 4 || length !== expected.ciphertextBytes) {
    refuse('length of the ciphertext file', length, expected.ciphertextBytes);
  }
  return tensor.subarray(4);
}
