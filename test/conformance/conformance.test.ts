/** ONNX's own conformance cases (onnx 1.16.2); `npm run conformance` prints what becomes of each. */
import { describe, expect, test } from 'vitest';
import { backendCases, backendFolder } from './backend-cases.ts';
import { detailText, listText, summaryText, supportedShare } from './outcome-text.ts';
import { runCase } from './run-case.ts';

/** How many cases the folder has: none may get lost. */
const caseCount = 385 + 82 + 35 + 23;

describe.skipIf(backendFolder === null)('conformance cases of ONNX (needs the data folder)', () => {
  const outcomes = backendFolder === null ? [] : backendCases(backendFolder).map(runCase);

  test('every case has an outcome, and a reason where it is not compiled', () => {
    expect(outcomes).toHaveLength(caseCount);
    for (const outcome of outcomes) {
      expect(outcome.ways.length, outcome.title).toBeGreaterThan(0);
      for (const way of outcome.ways) {
        if (way.outcome.status === 'passed') continue;
        expect(way.outcome.reason, outcome.title).not.toBe('');
      }
    }
  });

  test('no case gives a wrong answer or an error other than a refusal', () => {
    const faults = outcomes.filter(({ status }) => status === 'failed');
    expect(faults.map(detailText)).toEqual([]);
  });

  test('at least 85 % of the cases of supported operators’ float forms pass', () => {
    const { passed, total } = supportedShare(outcomes);
    expect(total).toBeGreaterThan(200);
    expect(passed / total).toBeGreaterThanOrEqual(0.85);
  });

  test('the list names every case that does not pass', () => {
    const list = listText(outcomes, false);
    for (const { title, status } of outcomes)
      expect(list.includes(` ${title} `)).toBe(status !== 'passed');
    expect(summaryText(outcomes)).toContain(`${caseCount} cases`);
  });
});
