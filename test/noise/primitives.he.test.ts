/** Predicted beside measured errors of every primitive, in the smallest ring; the others: `npm run test:full`. */
import { describe, expect, test } from 'vitest';
import { encryptedBackends } from '../support/backends.ts';
import { measureNoise } from './measure-noise.ts';
import { measuredRings, ownBounds, ratioBounds } from './noise-table.ts';
import { groupsOf } from './primitive-programs.ts';

const [{ ringDegree, keys }] = measuredRings;
/** Errors of s² are products of four normal numbers: a ratio within 5 % takes the slots of all keys. */
const keysOf = { native: keys.native, seal: 4 };

describe.each(encryptedBackends)('the error of a primitive on %s', (evaluator) => {
  test.each(groupsOf(evaluator))('$names', async ({ program }) => {
    const noise = await measureNoise(program(ringDegree), evaluator, { keys: keysOf[evaluator] });
    for (const [name, { measured, predicted, rmsOfOwn }] of noise) {
      expect(rmsOfOwn, name).toBeGreaterThan(ownBounds[0]);
      expect(rmsOfOwn, name).toBeLessThan(ownBounds[1]);
      // A few of SEAL's slots have most of the error of a key switch: no ratio of sums holds there.
      if (evaluator === 'seal') continue;
      expect(predicted / measured, name).toBeGreaterThan(ratioBounds[0]);
      expect(predicted / measured, name).toBeLessThan(ratioBounds[1]);
    }
  });
});
