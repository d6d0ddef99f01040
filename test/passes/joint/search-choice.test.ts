import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { searchChoice } from '../../../src/passes/joint/search-choice.ts';
import type { SearchRequest } from '../../../src/passes/joint/search-choice.ts';

/** Separable costs and losses: a finer candidate costs more and loses less. */
const problems = fc
  .array(
    fc.array(
      fc.record({ cost: fc.integer({ min: 1, max: 50 }), gain: fc.integer({ min: 1, max: 50 }) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .chain((steps) =>
    fc.record({ steps: fc.constant(steps), budget: fc.integer({ min: 0, max: 300 }) }),
  );

function requestOf(
  steps: readonly (readonly { readonly cost: number; readonly gain: number }[])[],
  budget: number,
): SearchRequest {
  const sum = (choice: readonly number[], field: 'cost' | 'gain'): number =>
    choice.reduce(
      (total, place, k) =>
        total + steps[k]!.slice(0, place + 1).reduce((own, step) => own + step[field], 0),
      0,
    );
  const all = sum(
    steps.map(({ length }) => length - 1),
    'gain',
  );
  return {
    candidates: steps.map(({ length }) => length),
    fits: () => true,
    cost: (choice) => sum(choice, 'cost'),
    loss: (choice) => all - sum(choice, 'gain'),
    budget,
    evaluations: 1000,
  };
}

function everyChoice(candidates: readonly number[]): number[][] {
  return candidates.reduce<number[][]>(
    (all, count) =>
      all.flatMap((choice) => Array.from({ length: count }, (_, n) => [...choice, n])),
    [[]],
  );
}

describe('the search for degrees', () => {
  test('finds what trying all combinations finds', () => {
    fc.assert(
      fc.property(problems, ({ steps, budget }) => {
        const request = requestOf(steps, budget);
        const meeting = everyChoice(request.candidates).filter(
          (choice) => request.loss(choice) <= budget,
        );
        const cheapest = Math.min(...meeting.map((choice) => request.cost(choice)));
        const { best, exhaustive } = searchChoice(request);
        expect(exhaustive).toBe(true);
        expect(best === null ? Infinity : request.cost(best.choice)).toBe(cheapest);
        expect(best === null || best.loss <= budget).toBe(true);
      }),
    );
  });

  test('finds a planted optimum where activations need different candidates', () => {
    const enough = [2, 0, 1];
    const { best } = searchChoice({
      candidates: [4, 4, 4],
      fits: () => true,
      cost: (choice) => choice.reduce((sum, place) => sum + 2 ** place, 0),
      loss: (choice) => (choice.every((place, k) => place >= enough[k]!) ? 0 : 1),
      budget: 0,
      evaluations: 200,
    });
    expect(best?.choice).toEqual(enough);
  });

  test('measures no more combinations than it may, and stays within the budget', () => {
    fc.assert(
      fc.property(problems, fc.integer({ min: 4, max: 12 }), ({ steps, budget }, evaluations) => {
        const request = { ...requestOf(steps, budget), evaluations };
        const { best, measured } = searchChoice(request);
        expect(measured.length).toBeLessThanOrEqual(evaluations);
        expect(best === null || best.loss <= budget).toBe(true);
      }),
    );
  });

  test('says where nothing that can be compiled meets the budget', () => {
    const request = {
      candidates: [3, 3],
      // The finest of both do not fit.
      fits: (choice: readonly number[]) => choice[0]! + choice[1]! <= 3,
      cost: () => 1,
      loss: (choice: readonly number[]) => 4 - choice[0]! - choice[1]!,
      evaluations: 100,
    };
    expect(searchChoice({ ...request, budget: 0 }).best).toBeNull();
    expect(searchChoice({ ...request, budget: 1 }).best?.loss).toBe(1);
  });

  test('asks for no cost where no combination can meet the budget', () => {
    const deep = searchChoice({
      candidates: Array.from({ length: 19 }, () => 4),
      fits: (choice) => choice.reduce((sum, place) => sum + place, 0) <= 38,
      cost: () => {
        throw new Error('a cost takes a packing search');
      },
      loss: () => 1,
      budget: 0.5,
      evaluations: 8,
    });
    expect(deep).toMatchObject({ best: null, exhaustive: false });
    expect(deep.measured).toHaveLength(3);
  });
});
