import { CipherloomError } from '../errors.ts';
import type { PassContext } from '../passes/define-pass.ts';
import { readInputTensors, type InputForm } from './input-tensors.ts';
import { filePath } from './option-schemas.ts';
import { splitImages } from './protocol/clear-results.ts';

export const calibrationOption = {
  value: '[NAME=]X.npy|X.npz',
  repeat: true,
  schema: filePath().array().default([]),
  describe: 'inputs like those to come: ranges and activations are fitted to them',
} as const;

/**
 * Calibration images as the passes take them; null where none were given.
 *
 * Throws  as `readInputTensors`; INPUT_INVALID naming the image and the index of a value that is
 *         not finite, which would make a range of anything
 */
export function readCalibration(
  words: readonly string[],
  inputs: readonly InputForm[],
): PassContext['calibration'] {
  if (words.length === 0) return null;
  const { tensors } = readInputTensors(words, inputs, { flag: '--calibration' });
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      splitImages(tensor).map((values, image) => {
        const index = values.findIndex((value) => !Number.isFinite(value));
        if (index >= 0) throw notFinite(name, image, index, values[index]!);
        return Float64Array.from(values);
      }),
    ]),
  );
}

function notFinite(name: string, image: number, index: number, value: number): CipherloomError {
  return new CipherloomError(
    'INPUT_INVALID',
    `--calibration: input "${name}", image ${image}, element ${index} is ${value}`,
    {
      phase: 'cli',
      node: name,
      details: { image, index, value: String(value) },
      hint: 'remove the image, or what made the value',
    },
  );
}
