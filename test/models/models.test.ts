/** The smaller ONNX files of other projects; models.full.test.ts has the others. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkOutcome, isSlow, refusals } from './check-outcome.ts';
import { modelCases, modelFolder } from './model-cases.ts';
import { modelsPage, readPage, stableCells } from './models-page.ts';
import { runModel } from './run-model.ts';
import type { ModelOutcome } from './run-model.ts';

test('a page is read as it was written', () => {
  const common = {
    kind: 'HE-friendly',
    range: [0, 1],
    measured: null,
    compileSeconds: 0.2,
  } as const;
  const figures = { levels: 3, ringDegree: 8192, rotationKeys: 7, statedError: null };
  const refused = { code: 'X', reason: 'a | b\nc', layers: [] };
  const outcomes: ModelOutcome[] = [
    { ...common, file: 'a/b.onnx', compiled: figures, refused: null },
    { ...common, file: 'c.onnx', compiled: null, refused },
  ];
  expect(readPage(modelsPage(outcomes))).toEqual(
    new Map(outcomes.map((outcome) => [outcome.file, stableCells(outcome)])),
  );
});

describe.skipIf(modelFolder === null)('models of other projects (needs the data folder)', () => {
  const cases = modelFolder === null ? [] : modelCases(modelFolder);

  test('docs/models.md has a row for each file and for no other', () => {
    const text = readFileSync(path.join(import.meta.dirname, '../../docs/models.md'), 'utf8');
    expect([...readPage(text).keys()]).toEqual(cases.map(({ file }) => file));
    for (const file of refusals.keys()) expect(cases.map((each) => each.file)).toContain(file);
  });

  test.each(cases.filter((each) => !isSlow(each)))('$file', async (each) => {
    checkOutcome(await runModel(modelFolder!, each));
  });
});
