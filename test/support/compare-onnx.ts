/** A model through the importers and the interpreter against the same model in ONNX Runtime. */
import { expect } from 'vitest';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import type { ImportedModel } from '../../src/frontend/import-onnx.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { verify } from '../../src/ir/verify.ts';
import { randomSource, randomValues } from './random.ts';
import { runOnnx } from './onnxruntime.ts';

/** Largest difference between two results, relative to the largest magnitude of the expected one. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let magnitude = 1e-30;
  for (let n = 0; n < expected.length; n++) {
    difference = Math.max(difference, Math.abs(actual[n]! - expected[n]!));
    magnitude = Math.max(magnitude, Math.abs(expected[n]!));
  }
  return difference / magnitude;
}

type Inputs = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float64Array<ArrayBuffer> }
>;

/** Random inputs inside the declared ranges of a program. */
export function randomInputs({ program }: ImportedModel, seed: number): Inputs {
  const random = randomSource(seed);
  return new Map(
    program.operations
      .filter(({ op }) => op === 'nn.input')
      .map(({ attributes, type }) => {
        if (type.kind !== 'tensor' || type.range === null)
          throw new Error('an input without a range');
        const { lo, hi } = type.range;
        const data = randomValues(random, elementCount(type.shape), lo, hi);
        return [attributes.name as string, { shape: type.shape, data }];
      }),
  );
}

/** Import, verify, interpret; every output must agree with ONNX Runtime to `tolerance`. */
export async function expectSameAsOnnxruntime(
  bytes: Uint8Array,
  { tolerance = 1e-5, seed = 1, ranges = {}, inputs = null as Inputs | null } = {},
): Promise<ImportedModel> {
  const model = importOnnx(bytes, { name: 'test', inputRanges: ranges });
  verify(model.program);
  const given = inputs ?? randomInputs(model, seed);
  const values = new Map(
    [...given].map(([name, tensor]) => [name, { kind: 'tensor', tensor } as const]),
  );
  const actual = interpret(model.program, values);
  const expected = await runOnnx(bytes, given);
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, wanted] of expected) {
    const value = actual.get(name);
    if (value?.kind !== 'tensor') throw new Error('not a tensor');
    expect(value.tensor.shape, `shape of ${name}`).toEqual([...wanted.dims]);
    expect(relativeError(value.tensor.data, wanted.data), `error of ${name}`).toBeLessThanOrEqual(
      tolerance,
    );
  }
  return model;
}
