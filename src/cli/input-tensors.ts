import { statSync } from 'node:fs';
import { CipherloomError } from '../errors.ts';
import { npyNumbers, readNpyFile } from '../frontend/npy/read-npy.ts';
import type { NpyArray } from '../frontend/npy/npy-format.ts';
import { elementCount } from '../layout/layout.ts';
import { usageError } from './usage-error.ts';

/** An input of a model or a plan. */
export interface InputForm {
  readonly name: string;
  /** Shape of one image. */
  readonly shape: readonly number[];
}

/** Images of one input, one after the other in row-major order. */
export interface ImageData {
  readonly data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  readonly images: number;
}

/** Images of every input, all of one number. */
export interface InputTensors {
  readonly images: number;
  readonly tensors: ReadonlyMap<string, ImageData>;
}

/**
 * Read what `--input` (or `--calibration`) named: one `.npy` file, or NAME=FILE for each input.
 *
 * Shapes  [K, …] for K images of the input's shape, extents of 1 aside, or [K, features]
 * Throws  USAGE, FILE_UNREADABLE, DATA_INVALID, INPUT_INVALID naming the file
 */
export function readInputTensors(
  words: readonly string[],
  inputs: readonly InputForm[],
  { flag = '--input', limit }: { readonly flag?: string; readonly limit?: number | undefined } = {},
): InputTensors {
  const tensors = new Map<string, ImageData>();
  for (const [input, path] of nameFiles(words, inputs, flag)) {
    const array = readNpyFile(path, limit === undefined ? {} : { limit });
    tensors.set(input.name, imagesOf(array, input, path));
  }
  const [first] = tensors;
  const images = first?.[1].images ?? 0;
  for (const [name, { images: own }] of tensors) {
    if (own === images) continue;
    throw new CipherloomError(
      'INPUT_INVALID',
      `input "${name}" has ${own} images, "${first?.[0] ?? ''}" has ${images}`,
      {
        phase: 'cli',
        node: name,
        details: { got: own, expected: images },
        hint: 'give every input the same number of images, or --limit',
      },
    );
  }
  return { images, tensors };
}

/** The images from `start` on, at most `count` of them; the memory is shared. */
export function sliceImages(all: InputTensors, start: number, count: number): InputTensors {
  const images = Math.min(count, all.images - start);
  return {
    images,
    tensors: new Map(
      [...all.tensors].map(([name, { data, images: held }]) => {
        const each = data.length / held;
        return [name, { images, data: data.subarray(start * each, (start + images) * each) }];
      }),
    ),
  };
}

/** Which file is for which input. */
function nameFiles(
  words: readonly string[],
  inputs: readonly InputForm[],
  flag: string,
): Map<InputForm, string> {
  const named = new Map<InputForm, string>();
  const names = inputs.map(({ name }) => name).join(', ');
  for (const word of words) {
    const input = inputs.find(({ name }) => word.startsWith(`${name}=`) && !isFile(word));
    if (input === undefined && inputs.length > 1) {
      throw usageError(`${flag} ${word}: the model has the inputs ${names}`, {
        option: flag,
        got: word,
        hint: inputs.map(({ name }) => `${flag} ${name}=FILE`).join(' '),
      });
    }
    const target = input ?? inputs[0]!;
    if (named.has(target)) {
      throw usageError(`${flag} names a file for "${target.name}" twice`, {
        option: flag,
        got: word,
      });
    }
    named.set(target, input === undefined ? word : word.slice(input.name.length + 1));
  }
  const missing = inputs.find((input) => !named.has(input));
  if (missing !== undefined) {
    throw usageError(`${flag} names no file for the input "${missing.name}"`, {
      option: flag,
      hint: `${flag} ${inputs.length === 1 ? 'FILE' : `${missing.name}=FILE`}`,
    });
  }
  return named;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function imagesOf(array: NpyArray, input: InputForm, path: string): ImageData {
  const { shape } = array;
  const each = elementCount(input.shape);
  const images = imageCount(shape, input.shape);
  const expected = `[K, ${(input.shape[0] === 1 ? input.shape.slice(1) : input.shape).join(', ')}]`;
  if (images === null) {
    throw new CipherloomError(
      'INPUT_INVALID',
      `${path} has shape [${shape.join(', ')}]; the input "${input.name}" takes ${expected} for K images`,
      {
        phase: 'cli',
        node: input.name,
        details: { file: path, got: shape, expected: input.shape },
        hint: `save ${expected} or [K, ${each}], float32: np.save(path, x.reshape(-1, ${input.shape.slice(1).join(', ') || each}))`,
      },
    );
  }
  if (images === 0) {
    throw new CipherloomError('INPUT_INVALID', `${path} holds no image`, {
      phase: 'cli',
      node: input.name,
      details: { file: path, shape },
      hint: 'save at least one image',
    });
  }
  return { images, data: floats(array, path) };
}

/** Images in an array of this shape, or null where it does not fit. */
function imageCount(shape: readonly number[], image: readonly number[]): number | null {
  const wide = (extents: readonly number[]): readonly number[] =>
    extents.filter((extent) => extent !== 1);
  const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();
  const [leading, ...rest] = shape;
  // Extents of 1 may come and go; any other difference could be a transposition, which is refused.
  if (leading !== undefined && (same(wide(rest), wide(image)) || same(rest, [elementCount(image)])))
    return leading;
  return same(wide(shape), wide(image)) ? 1 : null;
}

/** Float32 stays what it is: the client rounds a range's bounds as it was rounded. */
function floats(array: NpyArray, path: string): ImageData['data'] {
  return array.data instanceof Float32Array ? array.data : npyNumbers(array, path);
}
