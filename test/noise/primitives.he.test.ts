/** Predicted beside measured errors of every primitive, in the smallest ring; the others: `npm run test:full`. */
import { describe, expect, test } from 'vitest';
import { encryptedBackends } from '../support/backends.ts';
import { measureNoise } from './measure-noise.ts';
import { ownBounds, ratioBounds } from './noise-table.ts';
import { primitives } from './primitive-programs.ts';

const ringDegree = 4096;

describe.each(encryptedBackends)('the error of a primitive on %s', (evaluator) => {
  const cases = primitives.filter(
    ({ nativeOnly }) => evaluator === 'native' || nativeOnly !== true,
  );
  test.each(cases)('$name', async ({ program }) => {
    const { measured, predicted, rmsOfOwn } = await measureNoise(program(ringDegree), evaluator, {
      keys: 4,
    });
    expect(rmsOfOwn).toBeGreaterThan(ownBounds[0]);
    expect(rmsOfOwn).toBeLessThan(ownBounds[1]);
    // A few of SEAL's slots have most of the error of a key switch: no ratio of sums holds there.
    if (evaluator === 'seal') return;
    expect(predicted / measured).toBeGreaterThan(ratioBounds[0]);
    expect(predicted / measured).toBeLessThan(ratioBounds[1]);
  });
});
