import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fitKernels } from '../../bench/profile/fit.ts';
import { secondsOf, work } from '../../src/passes/cost/work.ts';

const kernel = fc.double({ min: 0, max: 10, noNaN: true });

it('finds the constants that made the times', () => {
  const made = fc.record({ transform: kernel, product: kernel, touch: kernel });
  fc.assert(
    fc.property(made, (parts) => {
      const truth = work({ ...parts, step: 1 });
      const mixes = [
        { transform: 3, step: 1 },
        { product: 5, step: 2 },
        { touch: 2, step: 1 },
        { transform: 1, product: 1, touch: 1, step: 1 },
        { step: 1 },
      ].map(work);
      const fitted = fitKernels(
        mixes.map((mix, n) => ({
          name: String(n),
          work: mix,
          seconds: secondsOf(mix, truth),
          weight: 1,
        })),
      );
      for (const mix of mixes) {
        expect(secondsOf(mix, fitted) / secondsOf(mix, truth)).toBeCloseTo(1, 3);
      }
    }),
    { numRuns: 5, seed: 1 },
  );
});

it('gives no kernel a negative time, and none to what is not used', () => {
  const fitted = fitKernels([
    { name: 'a', work: work({ transform: 1, product: 1 }), seconds: 1, weight: 1 },
    { name: 'b', work: work({ transform: 1 }), seconds: 2, weight: 1 },
  ]);
  expect(fitted.product).toBe(0);
  expect(fitted.matrix).toBe(0);
  expect(fitted.transform).toBeGreaterThan(0.9);
});
