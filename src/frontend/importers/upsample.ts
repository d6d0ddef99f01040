import { z } from 'zod';
import { attribute, defineImporter } from '../define-importer.ts';
import { float } from '../families/attribute-schemas.ts';
import { byScale, resized } from '../families/resizing.ts';

export default defineImporter({
  operator: 'Upsample',
  summary: 'Interpolation to larger extents, until opset 9; Resize since.',
  inputs: [
    { name: 'X', doc: 'any tensor', form: 'data' },
    {
      name: 'scales',
      doc: 'constant factors per axis',
      form: 'constant',
      optional: true,
      since: 9,
    },
  ],
  attributes: {
    mode: attribute(z.enum(['nearest', 'linear']).default('nearest'), 'how elements are mixed'),
    scales: attribute(z.array(float).readonly().optional(), 'factors per axis', { until: 8 }),
  },
  lowersTo: '`nn.linear`, one matrix for each axis multiplied together.',
  import(context) {
    const x = context.data(0);
    const input = context.optionalConstant(1);
    const scales = input === null ? context.attributes.scales : [...input.tensor.data];
    if (scales?.length !== x.shape.length) {
      return context.invalid(`${scales?.length ?? 0} scales are given for ${x.shape.length} axes`);
    }
    const axes = x.shape.map((extent, axis) => byScale(extent, scales[axis]!, context));
    const interpolation = {
      mode: context.attributes.mode,
      coordinates: 'asymmetric',
      nearest: 'floor',
      cubicA: 0,
      excludeOutside: false,
      antialias: false,
    } as const;
    return resized(x, axes, interpolation, 0, context);
  },
});
