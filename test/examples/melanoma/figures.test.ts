import { expect, test } from 'vitest';
import {
  areaUnderCurve,
  rates,
  rocCurve,
  withInterval,
} from '../../../examples/melanoma/figures.ts';
import { rocPlot } from '../../../examples/melanoma/roc.ts';

const scored = {
  scores: [0.1, 0.4, 0.35, 0.8, 0.4],
  positive: [false, false, true, true, true],
};

test('the area is the share of pairs in the right order, ties counting half', () => {
  // Against 0.1 and 0.4: 0.35 wins one, 0.8 two, 0.4 one and a half.
  expect(areaUnderCurve(scored)).toBeCloseTo(4.5 / 6, 12);
});

test('rates at a threshold, which itself is called melanoma', () => {
  expect(rates(scored, 0.4)).toMatchObject({
    sensitivity: 2 / 3,
    specificity: 1 / 2,
    accuracy: 3 / 5,
    balanced: (2 / 3 + 1 / 2) / 2,
  });
});

test('the curve goes from nobody to everybody, ties in one step, around the area', () => {
  const points = rocCurve(scored);
  expect(points).toEqual([
    [0, 0],
    [0, 1 / 3],
    [0.5, 2 / 3],
    [0.5, 1],
    [1, 1],
  ]);
  let area = 0;
  for (let k = 1; k < points.length; k++) {
    const [[x0, y0], [x1, y1]] = [points[k - 1]!, points[k]!];
    area += ((x1 - x0) * (y0 + y1)) / 2;
  }
  expect(area).toBeCloseTo(areaUnderCurve(scored), 12);
  expect(rocPlot('a < b', [{ name: 'c', points }])).toContain('a &lt; b');
});

test('an interval holds the figure, is the same again, and closes on certainty', () => {
  const { value, interval } = withInterval(areaUnderCurve, scored, 200);
  expect(value).toBe(areaUnderCurve(scored));
  expect(interval[0]).toBeLessThan(value);
  expect(interval[1]).toBeGreaterThan(value);
  expect(withInterval(areaUnderCurve, scored, 200).interval).toEqual(interval);
  const apart = { scores: [0, 1, 2, 3], positive: [false, false, true, true] };
  expect(withInterval(areaUnderCurve, apart, 50).interval).toEqual([1, 1]);
});
