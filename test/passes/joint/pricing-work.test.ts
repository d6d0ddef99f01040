/** The work that prices take is counted, and ends where it is used up. */
import { describe, expect, test } from 'vitest';
import { elementGroups } from '../../../src/passes/joint/element-groups.ts';
import { activationsOf } from '../../../src/passes/joint/network-runs.ts';
import { degreePrices } from '../../../src/passes/joint/price-degrees.ts';
import { pricingWork } from '../../../src/passes/joint/pricing-work.ts';
import { limitedWork, WorkExceeded } from '../../../src/passes/work-budget.ts';
import { writeProgram } from '../../support/small-programs.ts';
import { slotContext } from '../../support/slot-programs.ts';

describe('work for prices', () => {
  test('is given up for good once it is used up', () => {
    const pricing = pricingWork(undefined, { steps: 10, bytes: 100 });
    const spend = (steps: number) => () => {
      pricing.budget.spend(steps);
      return steps;
    };
    expect(pricing.attempt(spend(10))).toBe(10);
    expect(pricing.attempt(spend(1))).toBe('given up');
    expect(pricing.attempt(() => 0)).toBe('given up');
  });

  test('is no more than the compilation may do, whose end is no price', () => {
    const outer = limitedWork({ steps: 10, bytes: 100 });
    const pricing = pricingWork(outer, { steps: 100, bytes: 1000 });
    const exceed = (): unknown =>
      pricing.attempt(() => {
        pricing.budget.spend(11);
      });
    expect(exceed).toThrow(WorkExceeded);
    expect(() => pricing.attempt(() => Number.parseInt('x').toFixed(200))).toThrow(RangeError);
  });
});

describe('prices without a packing search', () => {
  const network = writeProgram(({ input, dense, add }) => {
    let x = dense(input([1, 8], [-1, 1]), 8, 12);
    x = dense(add('nn.activation', [x], { function: 'relu', parameters: {} }), 12, 12);
    x = dense(add('nn.activation', [x], { function: 'relu', parameters: {} }), 12, 4);
    return [x];
  });
  const activations = activationsOf(network, (_, functions) => ({
    scalable: true,
    groups: elementGroups(functions, [1, 12], 1, 'functions'),
  }));
  const prices = (steps: number) => {
    const pricing = pricingWork(undefined, { steps, bytes: 2 ** 32 });
    return degreePrices(network, activations, slotContext({}, 4096, []), pricing);
  };

  test('put rings and levels in order', () => {
    const without = prices(1);
    const combinations = [
      [2, 2],
      [4, 2],
      [4, 4],
      [8, 8],
      [16, 16],
    ];
    const seconds = combinations.map((degrees) => without.of(degrees).seconds);
    expect(seconds.every((own) => own > 0 && Number.isFinite(own))).toBe(true);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    // The same rings and levels, other times.
    const searched = prices(2 ** 36);
    for (const degrees of combinations) {
      expect(without.room(degrees)).toEqual(searched.room(degrees));
      expect(without.of(degrees).seconds).not.toBe(searched.of(degrees).seconds);
    }
  });
});
