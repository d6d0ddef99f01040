/** ReLU by a composite sign, on ciphertexts: within the predicted error, at the levels of its stages. */
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/ir/build.ts';
import type { Attribute } from '../../src/ir/program.ts';
import { tensor } from '../../src/ir/tensor.ts';
import checkRanges from '../../src/passes/check-ranges.ts';
import { mostDeviations } from '../../src/passes/noise/tails.ts';
import { compositeSign, signDegrees } from '../../src/passes/polynomial/composite-sign.ts';
import { encryptedBackends } from '../support/backends.ts';
import { lowerAnd, slotContext } from '../support/slot-programs.ts';
import { measureNoise } from './measure-noise.ts';
import { before, fullLayout } from './primitive-programs.ts';

// A toy ring: it protects nothing.
const ringDegree = 4096;

/** x · (1 + sign(x)) / 2 for −1 ≤ x ≤ 1. */
function relu(degrees: readonly number[], precision: number) {
  const builder = buildProgram('relu');
  const layout = fullLayout(ringDegree / 2) as unknown as Attribute;
  const x = builder.add('packed.input', [], { name: 'x', layout, range: [-1, 1] });
  const stages = compositeSign(degrees, 2 ** -precision, 2 ** -(precision + 4));
  let value = x;
  stages.forEach(({ coefficients, reach }, n) => {
    const next = stages[n + 1]?.reach;
    const terms = coefficients.map((c, power) => (c * reach ** power) / (next ?? 2));
    if (next === undefined) terms[0]! += 0.5;
    const constant = builder.constant(tensor([terms.length], terms), 'p');
    const range = next === undefined ? null : { lo: -1, hi: 1, source: 'proved' as const };
    value = builder.add(
      'packed.polynomial',
      [value],
      { coefficients: constant },
      { location: `stage${n}`, ...(range === null ? {} : { range }) },
    );
  });
  const y = builder.add('packed.mul', [x, value], {}, { location: 'relu' });
  return builder.finish([{ name: 'relu', value: y, postprocess: [] }]);
}

describe.each([5, 6, 8] as const)('ReLU by a composite sign of precision %i', (precision) => {
  const degrees: readonly number[] = signDegrees[precision];
  const levels = degrees.reduce((sum, degree) => sum + Math.ceil(Math.log2(degree + 1)), 1);
  const primeBits = [49, ...new Array<number>(levels).fill(40), 50];
  const context = slotContext({ primeBits, insecure: true }, ringDegree);
  const program = lowerAnd(relu(degrees, precision), [...before, checkRanges], context);

  test('takes the levels of its stages, and one', () => {
    expect(program.modulus!.primes).toHaveLength(levels + 1);
  });

  test.each(encryptedBackends)('on %s', async (evaluator) => {
    const noise = await measureNoise(program, evaluator, { keys: 2 });
    const { slots, measured, rmsOfOwn, worstOfOwn } = noise.get('relu')!;
    expect(rmsOfOwn).toBeGreaterThan(0.5);
    expect(rmsOfOwn).toBeLessThan(1.1);
    expect(worstOfOwn).toBeLessThan(mostDeviations(slots, 1));
    // Far below what is left of ReLU: half of 2^(1 - precision) of the argument.
    expect(measured).toBeLessThan(2 ** -(precision + 4));
  });
});
