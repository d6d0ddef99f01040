import { describe, expect, it } from 'vitest';
import { mostDeviations, tailProbability } from '../../../src/passes/noise/tails.ts';
import { erfc } from '../../../src/ir/nn/error-function.ts';
import { normalNumber, randomSource } from '../../support/random.ts';

describe('the tail of an error', () => {
  it.each([1, 3, 6, 12])('at %d deviations: normal without, Laplace with the secret alone', (k) => {
    expect(tailProbability(k, 0) / erfc(k / Math.SQRT2)).toBeCloseTo(1, 3);
    expect(tailProbability(k, 1) / Math.exp(-Math.SQRT2 * k)).toBeCloseTo(1, 6);
  });

  it.each([0.1, 0.5, 0.9])('is that of drawn errors at a share of %d', (share) => {
    const random = randomSource(3);
    const count = 200_000;
    const limit = 3;
    let beyond = 0;
    for (let n = 0; n < count; n++) {
      const power = -Math.log(1 - random());
      const error = Math.sqrt(1 - share + share * power) * normalNumber(random);
      if (Math.abs(error) > limit) beyond++;
    }
    const expected = tailProbability(limit, share);
    // Four deviations of a count.
    expect(Math.abs(beyond / count - expected)).toBeLessThan(4 * Math.sqrt(expected / count));
  });

  it('grows with the share, and with the number of errors', () => {
    const most = [0, 0.2, 0.5, 1].map((share) => mostDeviations(4096, share));
    expect(most).toEqual(most.toSorted((a, b) => a - b));
    // N/2 · erfc(k/√2) = 2^-20, and N/2 · e^(−√2 k) = 2^-20.
    expect(most[0]).toBeCloseTo(6.34, 2);
    expect(most[3]).toBeCloseTo(Math.log(4096 * 2 ** 20) / Math.SQRT2, 2);
    expect(mostDeviations(8192, 0.5)).toBeGreaterThan(most[2]!);
  });
});
