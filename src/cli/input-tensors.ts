import { statSync } from 'node:fs';
import { CipherloomError } from '../errors.ts';
import { npyNumbers, readNpyFile } from '../frontend/npy/read-npy.ts';
import { maxNpzBytes, openNpz, type NpzArchive } from '../frontend/npy/read-npz.ts';
import type { NpyArray } from '../frontend/npy/npy-format.ts';
import { printable } from '../frontend/printable.ts';
import { elementCount } from '../layout/layout.ts';
import { readBoundedFile } from './read-file.ts';
import { usageError } from './usage-error.ts';

/** An input of a model or a plan. */
export interface InputForm {
  readonly name: string;
  /** Shape of one image. */
  readonly shape: readonly number[];
  /** One image may stand for all. */
  readonly shared?: true;
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
 * Read what `--input` (or `--calibration`) named: one `.npy` file, NAME=FILE for each input, or an
 * `.npz` archive with an array for each.
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
  for (const [input, source] of nameSources(words, inputs, flag)) {
    tensors.set(input.name, imagesOf(source.read(limit), input, source.name));
  }
  const [first] = tensors;
  const images = first?.[1].images ?? 0;
  for (const { name, shared } of inputs) {
    const own = tensors.get(name);
    if (shared === true && own?.images === 1) tensors.set(name, repeated(own, images));
  }
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

/** Where the images of an input are. */
interface Source {
  /** For errors. */
  readonly name: string;
  /** The first `limit` images. */
  read(limit: number | undefined): NpyArray;
}

function repeated({ data }: ImageData, images: number): ImageData {
  const all = data.length * images;
  const copies = data instanceof Float32Array ? new Float32Array(all) : new Float64Array(all);
  for (let image = 0; image < images; image++) copies.set(data, image * data.length);
  return { data: copies, images };
}

/** Which array is for which input. */
function nameSources(
  words: readonly string[],
  inputs: readonly InputForm[],
  flag: string,
): Map<InputForm, Source> {
  const named = new Map<InputForm, Source>();
  if (inputs.length === 0 && words.length > 0) {
    throw usageError(`${flag} ${words[0] ?? ''}: there is no such input`, {
      option: flag,
      hint: `leave ${flag} out`,
    });
  }
  const names = inputs.map(({ name }) => name).join(', ');
  const give = (input: InputForm, source: Source, word: string): void => {
    if (named.has(input)) {
      throw usageError(`${flag} names a file for "${input.name}" twice`, {
        option: flag,
        got: word,
      });
    }
    named.set(input, source);
  };
  for (const word of words) {
    const input = inputs.find(({ name }) => word.startsWith(`${name}=`) && !isFile(word));
    const path = input === undefined ? word : word.slice(input.name.length + 1);
    if (isArchive(path)) {
      const archive = openNpz(readBoundedFile(path, maxNpzBytes), path);
      const found = arraysFor(archive, input === undefined ? inputs : [input]);
      for (const [target, entry] of found) give(target, archiveSource(archive, entry, path), word);
      if (found.size === 0) throw noArray(path, archive, input?.name ?? names);
      continue;
    }
    if (input === undefined && inputs.length > 1) {
      throw usageError(`${flag} ${word}: the model has the inputs ${names}`, {
        option: flag,
        got: word,
        hint: inputs.map(({ name }) => `${flag} ${name}=FILE`).join(' '),
      });
    }
    give(input ?? inputs[0]!, fileSource(path), word);
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

function isArchive(path: string): boolean {
  return path.toLowerCase().endsWith('.npz');
}

function fileSource(path: string): Source {
  return {
    name: path,
    read: (limit) => readNpyFile(path, limit === undefined ? {} : { limit }),
  };
}

function archiveSource(archive: NpzArchive, entry: string, path: string): Source {
  return {
    name: `${path} (${entry})`,
    read: (limit) => firstRows(archive.read(entry), limit),
  };
}

/** The arrays of an archive by input: those of its name, or the only one that np.savez had to name. */
function arraysFor(
  { names }: NpzArchive,
  inputs: readonly InputForm[],
): ReadonlyMap<InputForm, string> {
  const [only, ...others] = inputs;
  if (only !== undefined && others.length === 0 && names.join() === 'arr_0') {
    return new Map([[only, 'arr_0']]);
  }
  return new Map(
    inputs.flatMap((input) => (names.includes(input.name) ? [[input, input.name] as const] : [])),
  );
}

function noArray(path: string, { names }: NpzArchive, wanted: string): CipherloomError {
  const held = names.map(printable).join(', ') || 'nothing';
  return new CipherloomError('DATA_INVALID', `${path} holds ${held}; no array for ${wanted}`, {
    phase: 'cli',
    node: path,
    details: { arrays: names.map(printable), wanted },
    hint: `name the arrays as the inputs: np.savez(path, **{'${wanted.split(', ')[0] ?? ''}': array})`,
  });
}

function firstRows({ shape, data }: NpyArray, limit: number | undefined): NpyArray {
  const [rows, ...inner] = shape;
  if (rows === undefined || limit === undefined || rows <= limit) return { shape, data };
  return { shape: [limit, ...inner], data: data.slice(0, limit * elementCount(inner)) };
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
