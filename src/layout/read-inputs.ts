/** Checks the tensors of a caller, before anything reaches WebAssembly. */
import { CipherloomError } from '../errors.ts';
import type { InputForm } from './client-plan.ts';
import { elementCount } from './layout.ts';

export type TensorData = Float32Array | Float64Array;

/** A tensor: bare data in the shape of one image (or several, one after the other), or with a shape. */
export type TensorLike =
  TensorData | { readonly data: TensorData; readonly shape: readonly number[] };

/** Images of one input, each in row-major order. */
export type Images = readonly Float64Array[];

function refuse(
  input: InputForm,
  message: string,
  details: Readonly<Record<string, unknown>>,
  hint: string,
): never {
  throw new CipherloomError('INPUT_INVALID', `input ${JSON.stringify(input.name)}: ${message}`, {
    phase: 'client',
    node: input.name,
    details,
    hint,
  });
}

/**
 * Check and split the inputs.
 *
 * Values are copied first, so that memory shared with another thread cannot change after the check.
 * Throws INPUT_INVALID naming the tensor, the index and the value with the range it leaves.
 */
export function readInputs(
  inputs: readonly InputForm[],
  given: Readonly<Record<string, TensorLike>>,
): { readonly images: number; readonly tensors: readonly Images[] } {
  const names = inputs.map(({ name }) => name);
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new CipherloomError(
      'INPUT_INVALID',
      `there is no input ${JSON.stringify(unknown[0])}; the model has ${names.join(', ')}`,
      { phase: 'client', details: { unknown, inputs: names }, hint: `use ${names.join(', ')}` },
    );
  }
  const tensors = inputs.map((input) =>
    readTensor(input, Object.hasOwn(given, input.name) ? given[input.name] : undefined),
  );
  const images = tensors[0]?.length ?? 0;
  inputs.forEach((input, i) => {
    const got = tensors[i]?.length ?? 0;
    if (got === images) return;
    refuse(
      input,
      `it has ${got} images, ${names[0] ?? ''} has ${images}`,
      { got, expected: images },
      'give every input the same number of images',
    );
  });
  return { images, tensors };
}

function readTensor(input: InputForm, tensor: TensorLike | undefined): Images {
  const perImage = elementCount(input.shape);
  const shapeText = `[${input.shape.join(', ')}]`;
  const data = isTypedArray(tensor)
    ? tensor
    : (tensor as Partial<{ data: unknown }> | undefined)?.data;
  if (tensor === undefined || !isTypedArray(data)) {
    refuse(
      input,
      tensor === undefined ? 'it is missing' : 'it is not a Float32Array or Float64Array',
      { shape: input.shape },
      `give a Float32Array or Float64Array of ${perImage} values in shape ${shapeText}`,
    );
  }
  if (!isTypedArray(tensor)) checkShape(input, tensor.shape, data.length, shapeText);
  if (data.length === 0 || data.length % perImage !== 0) {
    refuse(
      input,
      `it has ${data.length} values, one image of shape ${shapeText} has ${perImage}`,
      { got: data.length, expected: perImage },
      'give one image or several, one after the other',
    );
  }
  const [low, high] = input.range;
  // A float32 image cannot hold the bounds exactly: they are rounded the way its values were.
  const single = data instanceof Float32Array;
  const least = single ? Math.fround(low) : low;
  const most = single ? Math.fround(high) : high;
  const copy = Float64Array.from(data);
  for (let index = 0; index < copy.length; index++) {
    const value = copy[index]!;
    // Written so that NaN fails.
    if (value >= least && value <= most) continue;
    const image = Math.floor(index / perImage);
    refuse(
      input,
      `value ${value} at ${position(input.shape, index % perImage)} of image ${image} is ${Number.isFinite(value) ? `outside the declared range [${low}, ${high}]` : 'not a finite number'}`,
      { index, image, value: String(value), range: [low, high] },
      'scale the input as the model was calibrated, or compile with a wider --input-range',
    );
  }
  return Array.from({ length: copy.length / perImage }, (_, i) =>
    copy.subarray(i * perImage, (i + 1) * perImage),
  );
}

/** Accept the shape of one image, the same with another leading extent where it is 1, or [K, …]. */
function checkShape(input: InputForm, shape: unknown, length: number, shapeText: string): void {
  const extents = Array.isArray(shape) ? (shape as readonly unknown[]) : [];
  const expected = input.shape;
  const tail = expected[0] === 1 ? expected.slice(1) : expected;
  const fits =
    Array.isArray(shape) &&
    extents.every((n) => typeof n === 'number' && Number.isInteger(n) && n > 0) &&
    extents.reduce<number>((product, n) => product * Number(n), 1) === length &&
    (extents.join() === expected.join() || extents.slice(1).join() === tail.join());
  if (fits) return;
  refuse(
    input,
    `shape [${extents.map(String).join(', ')}] with ${length} values is not ${shapeText} or several of it`,
    { got: extents.map(String), values: length, expected },
    `give shape ${shapeText}, or [K, ${tail.join(', ')}] for K images`,
  );
}

function position(shape: readonly number[], element: number): string {
  const index: number[] = [];
  let rest = element;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    index.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return `[${index.join(', ')}]`;
}

function isTypedArray(value: unknown): value is TensorData {
  return value instanceof Float32Array || value instanceof Float64Array;
}
