/** What must hold of the outcome of a file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { ModelCase } from './model-cases.ts';
import { exactTolerance, readPage, stableCells } from './models-page.ts';
import type { ModelOutcome } from './run-model.ts';

const page = readPage(readFileSync(path.join(import.meta.dirname, '../../docs/models.md'), 'utf8'));

/** Files that cannot be compiled, with the error that says why; every other one must compile. */
export const refusals: ReadonlyMap<string, string> = new Map([
  ['ace/model/resnet20_cifar10_pre.onnx', 'LEVELS_EXHAUSTED'],
  ['ace/model/resnet32_cifar10_pre.onnx', 'LEVELS_EXHAUSTED'],
  [
    'onnxruntime-inference-examples/mobile/examples/super_resolution/android/app/src/main/res/raw/pytorch_superresolution_with_pre_post_processing_op18.onnx',
    'MODEL_UNSUPPORTED',
  ],
]);

/** Whether a file takes more than a few seconds. */
export function isSlow({ file }: ModelCase): boolean {
  return /^ace|super_resolution|lenet5|mobilefacenets|mnist\/model|MNIST\/mnist|opt-mnist|lesson14/.test(
    file,
  );
}

/** docs/models.md says what happened; exact networks agree, approximated ones as the report states. */
export function checkOutcome(outcome: ModelOutcome): void {
  const { file, compiled, refused, measured } = outcome;
  expect(refused?.code).toBe(refusals.get(file));
  expect(page.get(file), 'the row of docs/models.md: npm run models').toEqual(stableCells(outcome));
  if (compiled === null || measured === null) return;
  if (compiled.statedError === null) {
    expect(measured.relative).toBeLessThanOrEqual(exactTolerance);
  } else {
    const largest = measured.absolute / measured.relative;
    expect(measured.absolute).toBeLessThanOrEqual(compiled.statedError + exactTolerance * largest);
  }
}
