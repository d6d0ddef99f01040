/** Predicted beside measured errors of every primitive in every ring. */
import { describe, expect, test } from 'vitest';
import { encryptedBackends } from '../support/backends.ts';
import { measureNoise } from './measure-noise.ts';
import { holds, measuredRings } from './noise-table.ts';
import { groupsOf } from './primitive-programs.ts';

describe.each(measuredRings)('errors at N = $ringDegree', ({ ringDegree, keys }) => {
  // Thirty-two sets of keys of the larger rings take SEAL long: `npm run noise` measures those.
  const backends = encryptedBackends.filter(
    (evaluator) => evaluator === 'native' || ringDegree <= 8192,
  );
  describe.each(backends)('on %s', (evaluator) => {
    test.each(groupsOf(evaluator))('$names', async ({ program }) => {
      const measured = await measureNoise(program(ringDegree), evaluator, {
        keys: keys[evaluator],
        seed: 2,
      });
      for (const [primitive, figures] of measured) {
        const row = { primitive, ringDegree, evaluator, keys: keys[evaluator], ...figures };
        expect(holds(row), JSON.stringify(row)).toBe(true);
      }
    });
  });
});
