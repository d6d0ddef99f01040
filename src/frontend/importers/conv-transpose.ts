import { z } from 'zod';
import type { Segment } from '../../ir/linear-map.ts';
import { stridedLoops } from '../../ir/nn/strided.ts';
import { indicesOf, validPositions } from '../../ir/nn/window.ts';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { AttributeValues, ImportContext } from '../define-importer.ts';
import { extents, ints } from '../families/attribute-schemas.ts';
import { linear } from '../families/weighted-sums.ts';
import { windowAttributes, windowOf } from '../families/windows.ts';
import type { Window } from '../families/windows.ts';

const attributes = {
  ...windowAttributes,
  group: attribute(z.int().positive().default(1), 'number of groups of channels'),
  kernel_shape: attribute(extents.optional(), 'extents of the kernel; those of W where absent'),
  output_padding: attribute(ints.optional(), 'elements added behind each axis of the result'),
  output_shape: attribute(extents.optional(), 'spatial extents of the result; pads follow from it'),
};

type Context = ImportContext<typeof attributes>;

export default defineImporter({
  operator: 'ConvTranspose',
  summary: 'Transposed convolution over any number of spatial axes.',
  inputs: [
    { name: 'X', doc: '[batch, channels, spatial…]', form: 'data' },
    { name: 'W', doc: 'constant weights [channels, maps / group, kernel…]', form: 'constant' },
    { name: 'B', doc: 'constant bias [maps]', form: 'constant', optional: true },
  ],
  attributes,
  lowersTo: '`nn.linear`, one strided segment for each kernel element.',
  import(context) {
    const x = context.data(0);
    const weights = context.constant(1).tensor;
    const bias = context.optionalConstant(2)?.tensor.data ?? null;
    const [batch = 1, channels = 0, ...input] = x.shape;
    const [rows, groupMaps = 0, ...kernel] = weights.shape;
    const { group, kernel_shape: declared = kernel } = context.attributes;
    if (rows !== channels || channels % group !== 0 || declared.join() !== kernel.join()) {
      context.invalid(
        `weights [${weights.shape.join(',')}] in ${group} groups do not fit [${x.shape.join(',')}]`,
        { weights: weights.shape, group, kernel_shape: declared, x: x.shape },
      );
    }
    const maps = group * groupMaps;
    if (bias !== null && bias.length !== maps) {
      context.invalid(`its bias has ${bias.length} elements for ${maps} maps`);
    }
    const { window, output } = geometryOf(input, kernel, context);
    const shape = [batch, maps, ...output];
    context.elements(shape);
    const [inSize, outSize, kernelSize] = [input, output, kernel].map(elementCount) as [
      number,
      number,
      number,
    ];
    const groupChannels = channels / group;
    const segments = spatialSegments(input, output, kernel, window).map(
      ({ extents: counts, ...spatial }): Segment => ({
        out: spatial.out,
        input: spatial.input,
        weight: spatial.weight,
        loops: stridedLoops(
          [batch, group, groupMaps, groupChannels, ...counts],
          [maps * outSize, groupMaps * outSize, outSize, 0, ...spatial.outStrides],
          [channels * inSize, groupChannels * inSize, 0, inSize, ...rowMajorStrides(input)],
          [0, groupChannels * groupMaps * kernelSize, kernelSize, groupMaps * kernelSize],
        ),
      }),
    );
    const map = { inShape: x.shape, outShape: shape, weights: weights.data, segments };
    const offsets =
      bias === null
        ? null
        : Float64Array.from(
            { length: elementCount(shape) },
            (_, o) => bias[Math.floor(o / outSize) % maps]!,
          );
    return linear([x], { maps: [map], bias: offsets }, shape, context);
  },
});

/**
 * Window and spatial extents of the result.
 *
 * Source: ONNX operators, "ConvTranspose": an extent is stride · (input − 1) + output_padding + span
 * − pads; a wanted extent, or ⌊input · stride⌋ for SAME, sets the pads instead, the odd one behind
 * for SAME_UPPER and before otherwise.
 */
function geometryOf(
  input: readonly number[],
  kernel: readonly number[],
  context: Context,
): { readonly window: Window; readonly output: readonly number[] } {
  const values: AttributeValues<typeof attributes> = context.attributes;
  const rank = input.length;
  const window = windowOf(input, kernel, { ...values, auto_pad: 'NOTSET' }, context);
  const { strides, dilations } = window;
  const added = values.output_padding ?? input.map(() => 0);
  if (added.length !== rank || added.some((extent) => extent < 0)) {
    context.invalid(
      `output_padding [${added.join(',')}] is not one extent for each of ${rank} axes`,
    );
  }
  const whole = input.map(
    (extent, axis) =>
      strides[axis]! * (extent - 1) + added[axis]! + dilations[axis]! * (kernel[axis]! - 1) + 1,
  );
  const same = values.auto_pad === 'SAME_UPPER' || values.auto_pad === 'SAME_LOWER';
  const wanted =
    values.output_shape?.slice(-rank) ??
    (same ? input.map((extent, axis) => extent * strides[axis]!) : undefined);
  if (wanted === undefined) {
    const pads = values.auto_pad === 'VALID' ? window.pads.map(() => 0) : window.pads;
    const output = whole.map((extent, axis) => extent - pads[axis]! - pads[axis + rank]!);
    if (output.some((extent) => extent < 1)) {
      context.invalid(`its result would have the spatial extents [${output.join(',')}]`);
    }
    return { window: { ...window, pads }, output };
  }
  if (wanted.length !== rank) context.invalid(`output_shape [${wanted.join(',')}] is too short`);
  const total = whole.map((extent, axis) => Math.max(0, extent - wanted[axis]!));
  const less = total.map((pad) => Math.floor(pad / 2));
  const more = total.map((pad) => Math.ceil(pad / 2));
  const pads = values.auto_pad === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
  return { window: { ...window, pads }, output: wanted };
}

/** What each kernel element connects: a box of inputs, each to the output it falls on. */
function spatialSegments(
  input: readonly number[],
  output: readonly number[],
  kernel: readonly number[],
  { strides, dilations, pads }: Window,
) {
  const inStrides = rowMajorStrides(input);
  const outStrides = rowMajorStrides(output);
  const kernelStrides = rowMajorStrides(kernel);
  const sum = (terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0);
  return [...indicesOf(kernel)].flatMap((index) => {
    const offsets = index.map((k, axis) => k * dilations[axis]! - pads[axis]!);
    const valid = output.map((extent, axis) =>
      validPositions(extent, input[axis]!, strides[axis]!, offsets[axis]!),
    );
    if (valid.some(([first, last]) => last < first)) return [];
    return [
      {
        out: sum(
          valid.map(
            ([first], axis) => (first * strides[axis]! + offsets[axis]!) * outStrides[axis]!,
          ),
        ),
        input: sum(valid.map(([first], axis) => first * inStrides[axis]!)),
        weight: sum(index.map((k, axis) => k * kernelStrides[axis]!)),
        extents: valid.map(([first, last]) => last - first + 1),
        outStrides: outStrides.map((stride, axis) => stride * strides[axis]!),
      },
    ];
  });
}
