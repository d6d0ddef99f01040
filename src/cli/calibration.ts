import { CipherloomError } from '../errors.ts';
import type { PassContext } from '../passes/define-pass.ts';
import { folderOptions, isFolder, readCalibrationFolder } from './images/calibration-folder.ts';
import type { GivenNormalisation } from './images/normalisation.ts';
import { readInputTensors, type ImageData, type InputForm } from './input-tensors.ts';
import { filePath } from './option-schemas.ts';
import { splitImages } from './protocol/clear-results.ts';
import { usageError } from './usage-error.ts';

export const calibrationOption = {
  value: '[NAME=]X.npy|X.npz|FOLDER',
  repeat: true,
  schema: filePath().array().default([]),
  describe:
    'inputs like those to come, an array or a folder of images: ranges and activations are fitted to them; 32 are enough for ranges, a few hundred for activations, at most 512 are used',
} as const;

/** `--calibration` and how the images of a folder are normalised. */
export const calibrationOptions = { calibration: calibrationOption, ...folderOptions } as const;

export interface CalibrationArgs extends GivenNormalisation {
  readonly calibration: readonly string[];
}

/**
 * Calibration images as the passes take them; null where none were given.
 *
 * Throws  as `readInputTensors`, `readCalibrationFolder`; INPUT_INVALID naming the image and the index of a value that is
 *         not finite, which would make a range of anything
 */
export async function readCalibration(
  args: CalibrationArgs,
  inputs: readonly InputForm[],
): Promise<PassContext['calibration']> {
  const tensors = await readTensors(args, inputs);
  if (tensors === null) return null;
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

async function readTensors(
  { calibration: words, mean, std }: CalibrationArgs,
  inputs: readonly InputForm[],
): Promise<ReadonlyMap<string, ImageData> | null> {
  const [input] = inputs;
  const folder = inputs.length === 1 && words.length === 1 ? folderOf(words[0]!, input!) : null;
  if (folder !== null && input !== undefined) {
    return new Map([[input.name, await readCalibrationFolder(folder, input, { mean, std })]]);
  }
  if (mean !== undefined || std !== undefined) {
    const option = mean === undefined ? '--std' : '--mean';
    throw usageError(`${option} is for a folder of images`, {
      option,
      hint: '--calibration FOLDER, or leave it out: an array holds what the network reads',
    });
  }
  if (words.length === 0) return null;
  return readInputTensors(words, inputs, { flag: '--calibration' }).tensors;
}

/** The folder that FOLDER or NAME=FOLDER names. */
function folderOf(word: string, { name }: InputForm): string | null {
  const named = word.startsWith(`${name}=`) ? [word.slice(name.length + 1)] : [];
  return [word, ...named].find(isFolder) ?? null;
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
