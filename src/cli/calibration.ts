import type { PassContext } from '../passes/define-pass.ts';
import { readInputTensors, type InputForm } from './input-tensors.ts';
import { filePath } from './option-schemas.ts';
import { splitImages } from './protocol/clear-results.ts';

export const calibrationOption = {
  value: '[NAME=]X.npy',
  repeat: true,
  schema: filePath().array().default([]),
  describe: 'inputs like those to come: ranges and activations are fitted to them',
} as const;

/** Calibration images as the passes take them; null where none were given. */
export function readCalibration(
  words: readonly string[],
  inputs: readonly InputForm[],
): PassContext['calibration'] {
  if (words.length === 0) return null;
  const { tensors } = readInputTensors(words, inputs, { flag: '--calibration' });
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      splitImages(tensor).map((image) => Float64Array.from(image)),
    ]),
  );
}
