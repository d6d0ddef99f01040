/** A part of `npm run fuzz:onnx`; docs/fuzzing.md has the figures of the whole. */
import { expect, test } from 'vitest';
import { fuzzOnnx } from './fuzz-onnx.ts';

test('2,000 mutated files, every 10th through the whole of inspect', async () => {
  const { failures } = await fuzzOnnx({ count: 2_000, seed: 2, wholeEvery: 10 });
  expect(failures).toEqual([]);
});
