/** What a server computes in the clear for a request, from the tensors that it knows. */
import { CipherloomError, invariant } from '../../errors.ts';
import type { Value } from '../../ir/define-op.ts';
import { interpret } from '../../ir/interpret.ts';
import type { Program } from '../../ir/program.ts';
import { publicInputs, publicRanges } from '../../ir/public-values.ts';
import { readInputs } from '../../layout/read-inputs.ts';
import type { TensorLike } from '../../layout/read-inputs.ts';
import type { PublicImages } from './constant-slots.ts';
import type { PublicValues } from './elementwise.ts';

/** Public tensors by input name: one image for all of a request, or one for each. */
export type PublicTensors = Readonly<Record<string, TensorLike>>;

/** A bound proved in interval arithmetic may be missed by the rounding of a sum, no more. */
const rounding = 2 ** -30;

/**
 * Compute the public values of a request.
 *
 * Cost: the public part once an image, or once where every tensor holds one image.
 * Throws INPUT_INVALID for a missing tensor, another shape, a value outside the declared range, or one
 * that leads out of the range that the plan was made for.
 */
export function computePublicValues(
  program: Program,
  given: PublicTensors,
  images: number,
): PublicValues {
  const inputs = publicInputs(program);
  const tensors = inputs.map((input) => {
    const only = Object.hasOwn(given, input.name) ? { [input.name]: given[input.name]! } : {};
    const { tensors: own } = readInputs([input], only);
    return ownImages(input.name, own[0] ?? [], images);
  });
  refuseUnknown(inputs, given);
  const { publicPart } = program;
  if (publicPart === undefined) return new Map();
  const ranges = publicRanges(program);
  const distinct = Math.max(...tensors.map(({ length }) => length));
  const values = new Map<string, Float64Array[]>(publicPart.outputs.map(({ name }) => [name, []]));
  for (let image = 0; image < distinct; image++) {
    const tensorOf = (k: number): Float64Array<ArrayBuffer> =>
      Float64Array.from(tensors[k]?.[tensors[k].length === 1 ? 0 : image] ?? []);
    const results = interpret(
      publicPart,
      new Map(
        inputs.map(({ name, shape }, k): [string, Value] => [
          name,
          { kind: 'tensor', tensor: { shape, data: tensorOf(k) } },
        ]),
      ),
    );
    for (const [name, value] of results) {
      invariant(value.kind === 'tensor', 'the public part computes tensors');
      requireInside(name, value.tensor.data, ranges.get(name), image);
      values.get(name)?.push(value.tensor.data);
    }
  }
  return values;
}

/** The public values of the images of one execution. */
export function executionValues(all: PublicValues, first: number, count: number): PublicValues {
  return new Map(
    [...all].map(([name, images]) => [
      name,
      images.length === 1 ? images : images.slice(first, first + count),
    ]),
  );
}

function ownImages(name: string, tensors: PublicImages, images: number): PublicImages {
  if (tensors.length === 1 || tensors.length === images) return tensors;
  throw new CipherloomError(
    'INPUT_INVALID',
    `public input "${name}" has ${tensors.length} images, the request ${images}`,
    {
      phase: 'server',
      node: name,
      details: { got: tensors.length, expected: images },
      hint: `give one tensor for all images, or ${images}`,
    },
  );
}

function refuseUnknown(inputs: readonly { readonly name: string }[], given: PublicTensors): void {
  const names = inputs.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const known = names.length === 0 ? 'none' : names.join(', ');
  throw new CipherloomError(
    'INPUT_INVALID',
    `there is no public input "${unknown}"; the plan has ${known}`,
    { phase: 'server', node: unknown, details: { inputs: names }, hint: `use ${known}` },
  );
}

function requireInside(
  name: string,
  data: Float64Array,
  range: readonly [number, number] | undefined,
  image: number,
): void {
  if (range === undefined) return;
  const [lo, hi] = range;
  const slack = rounding * Math.max(Math.abs(lo), Math.abs(hi));
  // Written so that NaN counts as outside.
  const index = data.findIndex((value) => !(value >= lo - slack && value <= hi + slack));
  if (index < 0) return;
  const value = data[index]!;
  throw new CipherloomError(
    'INPUT_INVALID',
    `the public inputs of image ${image} lead to ${value} in "${name}", outside the range [${lo}, ${hi}] that the plan was made for`,
    {
      phase: 'server',
      node: name,
      details: { image, index, value: String(value), range: [lo, hi] },
      hint: 'compile with --calibration data in which the public inputs are like these',
    },
  );
}
