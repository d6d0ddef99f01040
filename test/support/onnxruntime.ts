/** ONNX Runtime (WebAssembly, one thread): the oracle of frontend tests. */
import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

export interface OracleTensor {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** Run a model on float32 inputs; outputs by name. */
export async function runOnnx(
  bytes: Uint8Array,
  inputs: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly data: ArrayLike<number> }
  >,
): Promise<Map<string, OracleTensor>> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  try {
    const feeds = Object.fromEntries(
      [...inputs].map(([name, { shape, data }]) => [
        name,
        new ort.Tensor('float32', Float32Array.from(data), [...shape]),
      ]),
    );
    const outputs = await session.run(feeds);
    return new Map(
      Object.entries(outputs).map(([name, tensor]) => {
        const data = Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
        return [name, { dims: tensor.dims, data }];
      }),
    );
  } finally {
    await session.release();
  }
}
