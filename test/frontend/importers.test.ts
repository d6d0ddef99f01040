import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { importers } from '../../src/frontend/importers/index.ts';
import { expectSameAsOnnxruntime } from '../support/compare-onnx.ts';
import { encodeModel } from '../support/onnx-model.ts';
import { activationCases } from './activation-cases.ts';
import { importerCases } from './importer-cases.ts';
import { selectionCases } from './selection-cases.ts';
import { structuralCases } from './structural-cases.ts';

const folder = path.join(import.meta.dirname, '../../src/frontend/importers');

const tables = [activationCases, importerCases, selectionCases, structuralCases];

/** The cases of all files, by operator. */
const cases = Object.fromEntries(
  [...new Set(tables.flatMap((table) => Object.keys(table)))]
    .sort()
    .map((operator) => [operator, tables.flatMap((table) => table[operator] ?? [])]),
);

describe('the table of importers', () => {
  const operators = importers.map((importer) => importer.operator);

  test('is alphabetical and has each operator once', () => {
    expect(operators).toEqual([...new Set(operators)].sort());
  });

  test('holds every file, each named after its operator', () => {
    const kebab = (operator: string): string =>
      operator.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
    const files = readdirSync(folder).filter((file) => file !== 'index.ts');
    expect(operators.map((operator) => `${kebab(operator)}.ts`).sort()).toEqual(files.sort());
  });

  test('is tested operator by operator', () => {
    expect(Object.keys(cases)).toEqual(operators);
  });
});

describe.each(Object.entries(cases))('%s agrees with ONNX Runtime', (_operator, list) => {
  test.each(list)('$title', async ({ model }) => {
    const ranges = Object.fromEntries(
      Object.keys(model.inputs).map((name): [string, [number, number]] => [name, [-1, 1]]),
    );
    await expectSameAsOnnxruntime(encodeModel(model), { ranges });
  });
});
