import { describe, expect, test } from 'vitest';
import { postprocessFault, shapeAfter } from '../../src/layout/postprocess.ts';
import type { PostprocessStep } from '../../src/layout/postprocess.ts';

const top = { op: 'topValues', axis: 1, count: 3 } as const;

describe('shapes after a step', () => {
  test.each<[PostprocessStep, number[]]>([
    [{ op: 'softmax', axis: 1 }, [1, 4, 2]],
    [{ op: 'argMax', axis: 1 }, [1, 2]],
    [{ op: 'argMin', axis: -2, keepDims: true }, [1, 1, 2]],
    [top, [1, 3, 2]],
    [{ op: 'topIndices', axis: -1, count: 1, smallest: true }, [1, 4, 1]],
  ])('%o', (step, shape) => {
    expect(shapeAfter(step, [1, 4, 2])).toEqual(shape);
  });
});

describe('steps that do not fit', () => {
  test.each<[string, PostprocessStep[]]>([
    ['step 1 (softmax) has the axis 2 of [1,4]', [{ op: 'softmax', axis: 2 }]],
    ['step 1 (softmax) has the axis -3 of [1,4]', [{ op: 'softmax', axis: -3 }]],
    ['step 1 (topValues) lacks a count', [{ op: 'topValues', axis: 1 }]],
    ['step 1 (softmax) has a count', [{ op: 'softmax', axis: 1, count: 2 }]],
    ['step 1 (hardmax) states keepDims', [{ op: 'hardmax', axis: 1, keepDims: true }]],
    ['step 1 (argMax) states smallest', [{ op: 'argMax', axis: 1, smallest: true }]],
    ['step 1 (topIndices) takes 5 of 4 elements', [{ op: 'topIndices', axis: 1, count: 5 }]],
    ['step 2 (topValues) takes 3 of 2 elements', [{ ...top, count: 2 }, top]],
    [
      'step 2 (softmax) follows one that leaves indices',
      [
        { op: 'argMax', axis: 1, keepDims: true },
        { op: 'softmax', axis: 1 },
      ],
    ],
  ])('%s', (fault, steps) => {
    expect(postprocessFault(steps, [1, 4])).toBe(fault);
  });

  test('a chain that fits', () => {
    const steps: PostprocessStep[] = [{ op: 'softmax', axis: 1 }, top, { op: 'argMax', axis: 1 }];
    expect(postprocessFault(steps, [1, 4])).toBeNull();
  });
});
