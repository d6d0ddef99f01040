import { z } from 'zod';
import { axesOf, integersOf } from '../axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { float, ints } from '../attribute-schemas.ts';

export default defineImporter({
  operator: 'Pad',
  summary: 'A tensor with one value around it; negative pads cut.',
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
      z.enum(['constant', 'reflect', 'edge', 'wrap']).default('constant'),
      'only constant is compiled',
    ),
    pads: attribute(ints.optional(), 'pads: before each axis, then behind each axis', {
      until: 10,
    }),
    value: attribute(float.default(0), 'the value', { until: 10 }),
  },
  lowersTo: '`nn.pad`, which fuse-linear composes with a convolution behind it.',
  notes: ['The modes reflect, edge and wrap are refused.'],
  import(context) {
    const x = context.data(0);
    const { mode } = context.attributes;
    if (mode !== 'constant') {
      context.unsupported(`its mode is ${mode}`, 'export the padding in constant mode');
    }
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
    const value = context.optionalConstant(2)?.tensor.data[0] ?? context.attributes.value;
    return pads.every((pad) => pad === 0) ? x : context.add('nn.pad', [x], { pads, value });
  },
});
