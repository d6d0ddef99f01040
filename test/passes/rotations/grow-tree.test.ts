/** Rotations composed of steps: every one is the sum of its chain. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainOf, checkCompositions, lastSteps } from '../../../src/ir/packed/compositions.ts';
import { centredRotation } from '../../../src/ir/packed/diagonals.ts';
import { growTree, shortestChains } from '../../../src/passes/rotations/grow-tree.ts';

const slots = 256;
const rotation = fc.integer({ min: 1 - slots / 2, max: slots / 2 }).filter((each) => each !== 0);
const rotations = fc.uniqueArray(rotation, { minLength: 1, maxLength: 40 });
const chains = fc.integer({ min: 1, max: 40 });

describe.each([
  ['growTree', growTree],
  ['shortestChains', shortestChains],
] as const)('%s', (_name, compose) => {
  it('makes every rotation of steps that have keys, in chains that are short enough', () => {
    let composed = 0;
    fc.assert(
      fc.property(rotations, rotations, chains, (wanted, steps, longest) => {
        const list = compose(wanted, steps, slots, longest);
        if (list === null) return;
        composed += list.length;
        checkCompositions({ inputs: list, sums: [], folds: [] }, slots, 'test');
        const last = lastSteps(list);
        for (const each of wanted) {
          const chain = chainOf(last, each, slots);
          expect(
            centredRotation(
              chain.reduce((sum, step) => sum + step, 0),
              slots,
            ),
          ).toBe(each);
          expect(chain.length).toBeLessThanOrEqual(longest);
          for (const step of chain) expect(steps).toContain(step);
        }
      }),
      { numRuns: 300 },
    );
    expect(composed).toBeGreaterThan(300);
  });

  it('reaches everything by a step of one, and nothing that steps do not lead to', () => {
    expect(compose([5, 6, 7], [1], slots, 7)).toHaveLength(6);
    expect(compose([5, 6, 7], [1], slots, 6)).toBeNull();
    expect(compose([5], [2, 4], slots, 40)).toBeNull();
    expect(compose([-1], [1], slots, 40)).toBeNull();
  });

  it('does not compose what has a key', () => {
    expect(compose([1, 2, 3], [3, 2, 1], slots, 9)).toEqual([]);
  });
});

describe('shortestChains', () => {
  it('takes as few steps as there can be', () => {
    const list = shortestChains([127], [1, -1, 64, 128], slots, 9) ?? [];
    expect(chainOf(lastSteps(list), 127, slots)).toHaveLength(2);
  });
});

describe('checkCompositions', () => {
  const check = (list: { rotation: number; step: number }[]) => () => {
    checkCompositions({ inputs: list, sums: [], folds: [] }, slots, 'linear');
  };
  it.each([
    [
      'a cycle',
      [
        { rotation: 3, step: 1 },
        { rotation: 2, step: -1 },
      ],
    ],
    ['no step', [{ rotation: 3, step: 0 }]],
    ['a rotation that slots do not have', [{ rotation: 129, step: 1 }]],
    [
      'a rotation twice',
      [
        { rotation: 3, step: 1 },
        { rotation: 3, step: 2 },
      ],
    ],
    ['a long chain', Array.from({ length: 64 }, (_, n) => ({ rotation: n + 2, step: 1 }))],
  ])('refuses %s', (_what, list) => {
    expect(check(list)).toThrow(expect.objectContaining({ code: 'IR_INVALID' }));
  });

  it('accepts chains of sixty-four', () => {
    expect(
      check(Array.from({ length: 63 }, (_, n) => ({ rotation: n + 2, step: 1 }))),
    ).not.toThrow();
  });
});
