/** Every activation, by a polynomial of each degree, on ciphertexts: within the predicted error, at its levels. */
import { describe, expect, test } from 'vitest';
import { runClear } from '../../src/backend/clear/run-clear.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { activationFunction, activationNames } from '../../src/ir/nn/activation-functions.ts';
import type { ActivationName } from '../../src/ir/nn/activation-functions.ts';
import checkRanges from '../../src/passes/check-ranges.ts';
import { mostDeviations } from '../../src/passes/noise/tails.ts';
import { fitPolynomial } from '../../src/passes/polynomial/least-squares.ts';
import { encryptedBackends } from '../support/backends.ts';
import { measureNoise } from './measure-noise.ts';
import { before, polynomials } from './primitive-programs.ts';

// A toy ring: it protects nothing.
const ringDegree = 4096;
const degrees = [2, 3, 5, 7, 15, 31];

/** Parameters, where those left out make nothing of the function. */
const parameters: Partial<Record<ActivationName, Readonly<Record<string, number>>>> = {
  clip: { lo: -1, hi: 1.5 },
  leakyRelu: { slope: 0.1 },
  power: { exponent: 1.5 },
  selu: { alpha: 1.67, gamma: 1.05 },
};
/** Ends of the argument; −4 and 4 where nothing is said. */
const ranges: Partial<Record<ActivationName, readonly [number, number]>> = {
  acos: [-0.9, 0.9],
  acosh: [1.25, 3.25],
  asin: [-0.9, 0.9],
  atanh: [-0.8, 0.8],
  cosh: [-2, 2],
  exp: [-2, 2],
  log: [0.5, 4],
  power: [0.25, 4],
  reciprocal: [0.75, 3],
  sinh: [-2, 2],
  sqrt: [0.25, 4],
  tan: [-1, 1],
};

/** The activation of an argument that −1 … 1 is stretched to. */
function stretched(name: ActivationName): (t: number) => number {
  const [lo, hi] = ranges[name] ?? [-4, 4];
  const { evaluate } = activationFunction(name);
  return (t) => evaluate((lo + hi) / 2 + ((hi - lo) / 2) * t, parameters[name] ?? {});
}

const points = Float64Array.from({ length: 1025 }, (_, n) => n / 512 - 1);
const uniform = { points, weights: new Float64Array(points.length).fill(1 / points.length) };
const fit = (name: ActivationName, degree: number): number[] =>
  fitPolynomial(stretched(name), uniform, [-1, 1], degree);
const evaluate = (coefficients: readonly number[], t: number): number =>
  coefficients.reduceRight((sum, c) => sum * t + c, 0);

describe.each(degrees)('polynomials of degree %d', (degree) => {
  const fits = Object.fromEntries(activationNames.map((name) => [name, fit(name, degree)]));
  const levels = Math.ceil(Math.log2(degree + 1));
  const primeBits = [49, ...new Array<number>(levels).fill(40), 50];
  const passes = [...before, checkRanges];
  const program = polynomials(ringDegree, fits, { primeBits, passes });

  test('take ⌈log2(d + 1)⌉ levels, and in the clear are what was fitted', async () => {
    expect(program.modulus!.primes).toHaveLength(levels + 1);
    const x = points.slice(0, ringDegree / 2);
    const image = new Float64Array(ringDegree / 2);
    image.set(x);
    const results = await runClear(prepareProgram(program), new Map([['x', [image]]]));
    for (const [name, coefficients] of Object.entries(fits)) {
      const [got = new Float64Array()] = results.get(name) ?? [];
      const size = coefficients.reduce((sum, c) => sum + Math.abs(c), 0);
      x.forEach((t, n) => {
        expect(Math.abs(got[n]! - evaluate(coefficients, t)), name).toBeLessThan(1e-12 * size);
      });
    }
  });

  test.each(encryptedBackends)('of every activation, on %s', async (evaluator) => {
    const noise = await measureNoise(program, evaluator, { keys: 2 });
    expect([...noise.keys()]).toEqual(activationNames);
    for (const [name, { slots, measured, rmsOfOwn, worstOfOwn }] of noise) {
      expect(rmsOfOwn, name).toBeGreaterThan(0.5);
      expect(rmsOfOwn, name).toBeLessThan(1.1);
      expect(worstOfOwn, name).toBeLessThan(mostDeviations(slots, 1));
      // What the polynomial leaves of the function is what is left of it on ciphertexts.
      expect(measured, name).toBeLessThan(2 ** -18);
    }
  });
});
