/** The network in the clear, by ONNX Runtime. */
import * as ort from 'onnxruntime-web';
import type { Model } from './model.ts';

export interface ClearNetwork extends AsyncDisposable {
  /** The logit of an image [3, S, S] in 0…1. */
  logit(image: Float32Array): Promise<number>;
}

export async function openClear({ bytes, preprocessing }: Model): Promise<ClearNetwork> {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'fatal';
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const { size } = preprocessing;
  return {
    async logit(image) {
      const given = new ort.Tensor('float32', image, [1, 3, size, size]);
      const { logit } = await session.run({ image: given });
      return (logit?.data as Float32Array | undefined)?.[0] ?? NaN;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}
