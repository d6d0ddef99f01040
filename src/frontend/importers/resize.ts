import { z } from 'zod';
import { axesOf, extentsOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { ImportContext } from '../define-importer.ts';
import { flag, float, ints } from '../families/attribute-schemas.ts';
import { coordinateModes, nearestModes } from '../families/interpolation.ts';
import type { AxisResize } from '../families/interpolation.ts';
import { byScale, resized, wholeAxis } from '../families/resizing.ts';

const attributes = {
  mode: attribute(
    z.enum(['nearest', 'linear', 'cubic']).default('nearest'),
    'how elements are mixed',
  ),
  coordinate_transformation_mode: attribute(
    z.enum(coordinateModes).default('half_pixel'),
    'where an output element lies in the operand; asymmetric in opset 10',
    { since: 11 },
  ),
  nearest_mode: attribute(
    z.enum(nearestModes).default('round_prefer_floor'),
    'which element is the nearest; floor in opset 10',
    { since: 11 },
  ),
  cubic_coeff_a: attribute(float.default(-0.75), 'free coefficient of the cubic', { since: 11 }),
  exclude_outside: attribute(flag.default(false), 'whether elements outside have no weight', {
    since: 11,
  }),
  extrapolation_value: attribute(float.default(0), 'what tf_crop_and_resize puts outside', {
    since: 11,
  }),
  antialias: attribute(flag.default(false), 'whether windows widen where an axis shrinks', {
    since: 18,
  }),
  axes: attribute(ints.optional(), 'axes that scales, sizes and roi are about', { since: 18 }),
  keep_aspect_ratio_policy: attribute(
    z.enum(['stretch', 'not_larger', 'not_smaller']).default('stretch'),
    'whether one factor serves all axes, so that sizes are upper or lower bounds',
    { since: 18 },
  ),
};

type Context = ImportContext<typeof attributes>;

export default defineImporter({
  operator: 'Resize',
  summary: 'Interpolation to another extent of some axes.',
  inputs: [
    { name: 'X', doc: 'any tensor', form: 'data' },
    {
      name: 'roi',
      doc: 'constant region for tf_crop_and_resize; in opset 10 the scales',
      form: 'constant',
      optional: true,
    },
    { name: 'scales', doc: 'constant factors', form: 'constant', optional: true, since: 11 },
    {
      name: 'sizes',
      doc: 'constant extents, in place of scales',
      form: 'constant',
      optional: true,
      since: 11,
    },
  ],
  attributes,
  lowersTo: '`nn.linear`, one matrix for each axis multiplied together.',
  import(context) {
    const x = context.data(0);
    const values = context.attributes;
    const first = context.opset < 11;
    const interpolation = {
      mode: values.mode,
      coordinates: first ? 'asymmetric' : values.coordinate_transformation_mode,
      nearest: first ? 'floor' : values.nearest_mode,
      cubicA: values.cubic_coeff_a,
      excludeOutside: values.exclude_outside,
      antialias: values.antialias,
    } as const;
    return resized(
      x,
      axesResized(x.shape, context),
      interpolation,
      values.extrapolation_value,
      context,
    );
  },
});

/** How every axis is resized. */
function axesResized(shape: readonly number[], context: Context): AxisResize[] {
  const given = (index: number): readonly number[] | null => {
    const data = context.optionalConstant(index)?.tensor.data ?? [];
    return data.length === 0 ? null : [...data];
  };
  const axes = axesOf(context.attributes.axes ?? [...shape.keys()], shape.length, context);
  const check = (list: readonly number[], name: string, length: number): readonly number[] => {
    if (list.length === length) return list;
    return context.invalid(
      `${name} has ${list.length} entries, ${axes.length} axes need ${length}`,
    );
  };
  const cropped = context.attributes.coordinate_transformation_mode === 'tf_crop_and_resize';
  const roi = cropped ? given(1) : null;
  if (cropped && roi === null) context.invalid('tf_crop_and_resize has no roi');
  if (roi !== null) check(roi, 'roi', 2 * axes.length);
  const regionOf = (k: number): AxisResize['region'] =>
    roi === null ? wholeAxis : [roi[k]!, roi[k + axes.length]!];
  const result = shape.map((extent): AxisResize => ({
    from: extent,
    to: extent,
    scale: 1,
    region: wholeAxis,
  }));
  const scales = context.opset < 11 ? given(1) : given(2);
  if (scales !== null) {
    check(scales, 'scales', axes.length);
    axes.forEach(
      (axis, k) => (result[axis] = byScale(shape[axis]!, scales[k]!, context, regionOf(k))),
    );
    return result;
  }
  const sizes = context.inputs[3] === undefined ? null : extentsOf(context.constant(3), context);
  if (sizes === null) return context.invalid('it has neither scales nor sizes');
  check(sizes, 'sizes', axes.length);
  const factors = axes.map((axis, k) => sizes[k]! / shape[axis]!);
  const policy = context.attributes.keep_aspect_ratio_policy;
  const common = policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors);
  axes.forEach((axis, k) => {
    const from = shape[axis]!;
    const scale = policy === 'stretch' ? factors[k]! : common;
    const to = policy === 'stretch' ? sizes[k]! : Math.round(scale * from);
    if (to < 1) context.invalid(`it leaves nothing of axis ${axis}`);
    result[axis] = { from, to, scale, region: regionOf(k) };
  });
  return result;
}
