/** The larger ONNX files of other projects, each in a process of its own. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkOutcome, isSlow } from './check-outcome.ts';
import { modelCases, modelFolder } from './model-cases.ts';
import type { ModelOutcome } from './run-model.ts';

const script = path.join(import.meta.dirname, '../../scripts/models.ts');

describe.skipIf(modelFolder === null)('models of other projects (needs the data folder)', () => {
  const cases = modelFolder === null ? [] : modelCases(modelFolder);

  test.each(cases.filter(isSlow))('$file', ({ file }) => {
    const output = execFileSync(process.execPath, [script, '--one', file], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    const { outcome, peakBytes } = JSON.parse(output) as {
      outcome: ModelOutcome;
      peakBytes: number;
    };
    checkOutcome(outcome);
    expect(outcome.compileSeconds).toBeLessThan(300);
    expect(peakBytes).toBeLessThan(8 * 2 ** 30);
  });
});
