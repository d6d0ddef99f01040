/** Models on real ciphertexts, compared with ONNX Runtime. */
import { expect } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile } from '../../src/index.ts';
import type { CompileRequest } from '../../src/compile.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from './backends.ts';
import { encodeModel } from './onnx-model.ts';
import type { TestModel } from './onnx-model.ts';
import { runOnnx } from './onnxruntime.ts';
import { randomSource, randomValues } from './random.ts';

/** Bits that an encrypted answer must have, relative to the largest value of its output. */
export const agreementBits = 10;

interface AgreementOptions extends CompileRequest {
  readonly seed: number;
  readonly images: number;
  /** Give public inputs once for all images. */
  readonly samePublic?: boolean;
}

/**
 * Compile a model whose inputs lie in [0, 1], run it on ciphertexts with every evaluator that is here, and expect ONNX
 * Runtime's answers.
 */
export async function expectAgreement(
  model: TestModel,
  { seed, images, samePublic = false, ...request }: AgreementOptions,
): Promise<void> {
  const bytes = encodeModel(model);
  const compiled = await compile({ bytes, name: `random${seed}` }, request);
  const random = randomSource(seed);
  const inputs = Object.entries(model.inputs).map(([name, shape]) => {
    const dims = shape.map(Number);
    const known = request.publicInputs?.includes(name) === true;
    const own = known && samePublic ? 1 : images;
    const data = Array.from({ length: own }, () =>
      Float32Array.from(randomValues(random, elementCount(dims), 0, 1)),
    );
    return { name, dims, data, known };
  });
  const tensors = (wanted: boolean): Record<string, Float32Array> =>
    Object.fromEntries(
      inputs
        .filter(({ known }) => known === wanted)
        .map(({ name, data }) => [name, Float32Array.from(data.flatMap((part) => [...part]))]),
    );
  using client = Client.load(compiled.client);
  const { evaluationKeys } = await client.generateKeys();
  const keys = await evaluationKeys.bytes();
  const sent = await client.encrypt(tensors(false));
  const answered = [];
  for (const backend of encryptedBackends) {
    await using session = await InferenceSession.create(compiled.plan, {
      backend,
      evaluationKeys: keys,
    });
    const response = await session.run(sent, { public: tensors(true) });
    answered.push({ backend, answers: await client.decrypt(response) });
  }
  for (let image = 0; image < images; image++) {
    const reference = await runOnnx(
      bytes,
      new Map(
        inputs.map(({ name, dims, data }) => [
          name,
          { shape: dims, data: data[image] ?? data[0]! },
        ]),
      ),
    );
    for (const { backend, answers } of answered) {
      expect(Object.keys(answers)).toEqual([...reference.keys()]);
      for (const [name, expected] of reference) {
        const each = expected.data.length;
        const got = answers[name]!.data.slice(image * each, (image + 1) * each);
        const largest = Math.max(...[...expected.data].map(Math.abs));
        const error = Math.max(...[...expected.data].map((value, k) => Math.abs(value - got[k]!)));
        expect(
          -Math.log2(error / largest),
          `${name} of image ${image} on ${backend}`,
        ).toBeGreaterThan(agreementBits);
      }
    }
  }
}
