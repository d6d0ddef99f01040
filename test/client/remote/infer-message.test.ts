import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  headerLengthField,
  readInferResponse,
  writeInferRequest,
} from '../../../src/client/remote/infer-message.ts';
import { errorOf } from '../../support/error-of.ts';

const id = 'request';
const ciphertext = Uint8Array.of(9, 8, 7, 6, 5);
const good = {
  model_name: 'm',
  id,
  outputs: [
    { name: 'ciphertext', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 9 } },
  ],
};

function answer(header: unknown, tensor: readonly number[] = [5, 0, 0, 0, ...ciphertext]) {
  const json = new TextEncoder().encode(JSON.stringify(header));
  return {
    status: 200,
    headers: new Headers({ [headerLengthField]: String(json.length) }),
    body: Uint8Array.from([...json, ...tensor]),
  };
}

test('an honest answer', () => {
  expect(readInferResponse(answer(good), { id, ciphertextBytes: 5 })).toEqual(ciphertext);
});

const [output] = good.outputs;
test.each([
  ['another id', answer({ ...good, id: 'other' })],
  ['no outputs', answer({ ...good, outputs: [] })],
  ['two outputs', answer({ ...good, outputs: [output, output] })],
  ['an output that is nothing', answer({ ...good, outputs: [null] })],
  ['another name', answer({ ...good, outputs: [{ ...output, name: 'x' }] })],
  ['another datatype', answer({ ...good, outputs: [{ ...output, datatype: 'FP32' }] })],
  ['another shape', answer({ ...good, outputs: [{ ...output, shape: [2] }] })],
  ['no size', answer({ ...good, outputs: [{ ...output, parameters: {} }] })],
  ['bytes that are cut', answer(good, [5, 0, 0, 0, 9, 8, 7])],
  ['a byte more', answer(good, [5, 0, 0, 0, ...ciphertext, 0])],
  ['a length that is not that of the rest', answer(good, [4, 0, 0, 0, ...ciphertext])],
  ['a length that is enormous', answer(good, [255, 255, 255, 255, ...ciphertext])],
  ['JSON that is none', { ...answer(good), body: new Uint8Array(200) }],
  ['no header length', { ...answer(good), headers: new Headers() }],
  [
    'a header longer than all',
    { ...answer(good), headers: new Headers([[headerLengthField, '9999']]) },
  ],
  ['a negative header', { ...answer(good), headers: new Headers([[headerLengthField, '-1']]) }],
])('B8: %s is refused', (_, given) => {
  const refused = errorOf(() => readInferResponse(given, { id, ciphertextBytes: 5 }));
  expect(refused.code).toBe('RESPONSE_INVALID');
  expect(refused.details['field']).toBeDefined();
});

test('an answer of another length than the plan gives is refused', () => {
  expect(errorOf(() => readInferResponse(answer(good), { id, ciphertextBytes: 6 })).code).toBe(
    'RESPONSE_INVALID',
  );
});

test('a request says where its tensors are', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const numbers = fc.float32Array({ maxLength: 20, noNaN: true });
  fc.assert(
    fc.property(bytes, fc.array(numbers, { maxLength: 3 }), (file, tensors) => {
      const { headerBytes, body } = writeInferRequest({
        id,
        keys: 'a'.repeat(64),
        planHash: 'b'.repeat(64),
        ciphertext: file,
        publicTensors: tensors.map((data, t) => ({
          name: `t${t}`,
          shape: [data.length],
          data: Float32Array.from(data),
        })),
      });
      const header = JSON.parse(new TextDecoder().decode(body.subarray(0, headerBytes))) as {
        readonly inputs: readonly { readonly parameters: { readonly binary_data_size: number } }[];
      };
      let at = headerBytes;
      const parts = header.inputs.map(({ parameters }) => {
        const part = body.slice(at, at + parameters.binary_data_size);
        at += part.length;
        return part;
      });
      expect(at).toBe(body.length);
      expect(new DataView(parts[0]!.buffer).getUint32(0, true)).toBe(file.length);
      expect(parts[0]!.subarray(4)).toEqual(Uint8Array.from(file));
      tensors.forEach((data, t) => {
        expect(new Float32Array(parts[t + 1]!.buffer)).toEqual(Float32Array.from(data));
      });
    }),
  );
});
