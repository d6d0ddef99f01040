import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { importerOf } from '../../src/frontend/importers/index.ts';
import { refusalOf, refusedOperators } from '../../src/frontend/known-operators.ts';

const { operators } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'onnx-operators.json'), 'utf8'),
) as { operators: string[] };

describe('every operator of ONNX up to opset 22', () => {
  test('is a list without repetition', () => {
    expect(operators.length).toBe(193);
    expect(operators).toEqual([...new Set(operators)].sort());
  });

  test.each(operators)('%s has an importer, or a reason of its own', (operator) => {
    expect(importerOf(operator) !== undefined || refusedOperators.has(operator)).toBe(true);
  });
});

test('every refusal has a reason and a way out', () => {
  for (const operator of refusedOperators) {
    const { reason, wayOut } = refusalOf(operator);
    expect(reason).toMatch(/^\S/);
    expect(wayOut).toMatch(/^\S/);
  }
});

test('other domains are refused by name', () => {
  expect(refusalOf('TreeEnsembleRegressor', 'ai.onnx.ml').reason).toContain('classical');
  expect(refusalOf('FusedConv', 'com.microsoft').wayOut).toContain('before ONNX Runtime');
  expect(refusalOf('Relu', 'com.example').reason).toContain('another domain');
});
