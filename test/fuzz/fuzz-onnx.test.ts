import { afterEach, describe, expect, test } from 'vitest';
import { readCorpus } from './corpus.ts';
import { fuzzOnnx } from './fuzz-onnx.ts';
import { mutantOf } from './mutate-onnx.ts';

const misbehaving = new URL('./targets/misbehaving-target.ts', import.meta.url);

describe('the fuzzer finds what it is for', () => {
  afterEach(() => {
    delete process.env['CIPHERLOOM_FUZZ_FAULT'];
  });

  test.each([
    ['crash', /TypeError: not a function/],
    ['internal', /a broken invariant/],
    ['escape', /a control character in .*\\u001b/],
    ['prototype', /Object\.prototype was changed/],
    ['exit', /the process ended/],
    ['hang', /it took \d{3,4} ms/],
    ['memory', /it took \d{3} MiB/],
  ])('%s', { timeout: 120_000 }, async (fault, tells) => {
    process.env['CIPHERLOOM_FUZZ_FAULT'] = fault;
    const { failures } = await fuzzOnnx({
      ...{ count: 1, seed: 1, wholeEvery: 1, target: misbehaving },
      limits: { cpuMs: 500, bytes: 2 ** 28 },
    });
    expect(failures).toHaveLength(1);
    expect(failures[0]!.fault).toMatch(tells);
  });

  test('and a refusal is none', async () => {
    process.env['CIPHERLOOM_FUZZ_FAULT'] = 'none';
    const found = await fuzzOnnx({ count: 3, seed: 1, wholeEvery: 1, target: misbehaving });
    expect(found).toMatchObject({ failures: [], results: { MODEL_INVALID: 3 } });
  });
});

test('the same seed and number give the same file', () => {
  const corpus = readCorpus();
  const files = Array.from({ length: 200 }, (_, n) => mutantOf(corpus, 5, n));
  expect(files.map((_, n) => mutantOf(corpus, 5, n))).toEqual(files);
  expect(
    new Set(files.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size,
  ).toBeGreaterThan(180);
});

test('100 mutated files', async () => {
  const { failures, results } = await fuzzOnnx({ count: 100, seed: 20_260_101 });
  expect(failures).toEqual([]);
  // Mutations that nothing survives, or nothing breaks, would test little.
  expect(results['ok']).toBeGreaterThan(10);
  expect(results['MODEL_INVALID']).toBeGreaterThan(10);
});
