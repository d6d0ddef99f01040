/** The answer to an inference request: JSON, then one binary tensor that holds the ciphertexts. */
import type { ServedModel } from '../models/served-model.ts';

export interface InferResponse {
  readonly headerBytes: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

export function writeInferResponse(
  { name, version }: ServedModel,
  id: string | null,
  ciphertext: Uint8Array,
): InferResponse {
  const header = new TextEncoder().encode(
    JSON.stringify({
      model_name: name,
      model_version: version,
      ...(id === null ? {} : { id }),
      outputs: [
        {
          name: 'ciphertext',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: 4 + ciphertext.length },
        },
      ],
    }),
  );
  const body = new Uint8Array(header.length + 4 + ciphertext.length);
  body.set(header);
  new DataView(body.buffer).setUint32(header.length, ciphertext.length, true);
  body.set(ciphertext, header.length + 4);
  return { headerBytes: header.length, body };
}
