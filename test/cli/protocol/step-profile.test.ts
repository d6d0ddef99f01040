import { expect, test } from 'vitest';
import { createStepProfile } from '../../../src/cli/protocol/step-profile.ts';
import { summarise } from '../../../src/cli/protocol/summarise.ts';

test('a profile adds up the time until each report, over several executions', () => {
  let now = 0;
  const profile = createStepProfile(() => now);
  for (const execution of [0, 1]) {
    now = 1000 * execution + 100;
    profile.start();
    now += 30;
    profile.reached('conv');
    now += 50;
    profile.reached('dense');
    now += 20;
    profile.reached(null);
  }
  expect(profile.nodes()).toEqual([
    { node: 'conv', ms: 60, share: 0.3 },
    { node: 'dense', ms: 100, share: 0.5 },
    { node: null, ms: 40, share: 0.2 },
  ]);
});

test('a summary has the median of an even and of an odd number', () => {
  expect(summarise([])).toBeNull();
  expect(summarise([5, 1, 9])).toEqual({ min: 1, median: 5, mean: 5, max: 9 });
  expect(summarise([4, 1, 2, 9])).toEqual({ min: 1, median: 3, mean: 4, max: 9 });
});
