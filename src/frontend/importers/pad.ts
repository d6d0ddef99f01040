import { z } from 'zod';
import type { LinearMap } from '../../ir/linear-map.ts';
import { axesOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { float, ints } from '../families/attribute-schemas.ts';
import { alongAxes, axisSelection } from '../families/weighted-sums.ts';

const modes = ['constant', 'reflect', 'edge', 'wrap'] as const;

export default defineImporter({
  operator: 'Pad',
  summary: 'A tensor with one value, or its own elements, around it; negative pads cut.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    {
      name: 'pads',
      doc: 'constant pads: before each axis, then behind each axis',
      form: 'constant',
      optional: true,
      since: 11,
    },
    {
      name: 'constant_value',
      doc: 'constant value, 0 where absent',
      form: 'constant',
      optional: true,
      since: 11,
    },
    {
      name: 'axes',
      doc: 'constant axes that pads is about',
      form: 'constant',
      optional: true,
      since: 18,
    },
  ],
  attributes: {
    mode: attribute(
      z.enum(modes).default('constant'),
      'what stands in the padding: one value, the mirrored elements, the last one, or those from the other side',
    ),
    pads: attribute(ints.optional(), 'pads: before each axis, then behind each axis', {
      until: 10,
    }),
    value: attribute(float.default(0), 'the value', { until: 10 }),
  },
  lowersTo:
    '`nn.pad`, or `nn.linear` in the other modes; fuse-linear composes both with a convolution behind.',
  import(context) {
    const x = context.data(0);
    const { mode } = context.attributes;
    const input = context.optionalConstant(1);
    const given = input === null ? context.attributes.pads : integersOf(input, context);
    if (given === undefined) return context.invalid('it names no pads');
    const axesInput = context.optionalConstant(3);
    const rank = x.shape.length;
    const axes =
      axesInput === null
        ? [...x.shape.keys()]
        : axesOf(integersOf(axesInput, context), rank, context);
    if (given.length !== 2 * axes.length) {
      context.invalid(`${axes.length} axes need ${2 * axes.length} pads, not ${given.length}`, {
        pads: given,
      });
    }
    const pads = new Array<number>(2 * rank).fill(0);
    axes.forEach((axis, k) => {
      pads[axis] = given[k]!;
      pads[axis + rank] = given[k + axes.length]!;
    });
    if (pads.every((pad) => pad === 0)) return x;
    context.elements(x.shape.map((extent, k) => Math.max(0, extent + pads[k]! + pads[k + rank]!)));
    if (mode !== 'constant') return padded(x, pads, mode, context);
    const value = context.optionalConstant(2)?.tensor.data[0] ?? context.attributes.value;
    return context.add('nn.pad', [x], { pads, value });
  },
});

/** Cut where pads are negative, then repeat elements where they are positive. */
function padded(
  x: DataValue,
  pads: readonly number[],
  mode: Exclude<(typeof modes)[number], 'constant'>,
  context: ImportContext,
): DataValue {
  const matrices = new Map<number, LinearMap>();
  x.shape.forEach((extent, axis) => {
    const [before, behind] = [pads[axis]!, pads[axis + x.shape.length]!];
    if (before === 0 && behind === 0) return;
    const start = Math.max(0, -before);
    const left = extent - start - Math.max(0, -behind);
    if (left < 1) context.invalid(`its pads leave nothing of axis ${axis} of ${extent} elements`);
    const count = extent + before + behind;
    const sources = Array.from(
      { length: count },
      (_, n) => start + source[mode](n - Math.max(0, before), left),
    );
    matrices.set(axis, axisSelection(extent, sources));
  });
  return alongAxes(x, matrices, context);
}

/** The element of 0 … extent − 1 that stands at a position outside. */
const source = {
  edge: (at: number, extent: number): number => Math.min(Math.max(at, 0), extent - 1),
  wrap: (at: number, extent: number): number => at - extent * Math.floor(at / extent),
  reflect(at: number, extent: number): number {
    if (extent === 1) return 0;
    const period = 2 * (extent - 1);
    const turned = at - period * Math.floor(at / period);
    return Math.min(turned, period - turned);
  },
};
