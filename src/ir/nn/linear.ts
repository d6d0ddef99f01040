import { z } from 'zod';
import { invariant } from '../../errors.ts';
import { elementCount } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { AffineMap, OpContext } from '../define-op.ts';
import { applyMap, boundMap, decodeSegments, encodeSegments, sameMaps } from '../linear-map.ts';
import type { LinearMap, Segment } from '../linear-map.ts';
import type { ProgramBuilder } from '../build.ts';
import type { Attributes } from '../program.ts';
import { tensor } from '../tensor.ts';
import { shapeOf } from '../types.ts';
import type { Type } from '../types.ts';
import { tensorOf, tensorValue } from './values.ts';

const constant = z.string().startsWith('@');

/** Attributes that hold an affine map; packed.linear and ckks.linear share them. */
export const affineAttributes = {
  shape: z.array(z.int().positive()).readonly(),
  /** Per operand, the weights and the encoded segments of its matrix. */
  maps: z.array(z.strictObject({ weights: constant, segments: constant })).readonly(),
  bias: constant.nullable(),
};

export const affineSchema = z.strictObject(affineAttributes);
export type AffineAttributes = z.infer<typeof affineSchema>;

/** The affine map that the attributes of a linear operation describe. */
export function affineOf(
  operands: readonly Type[],
  attributes: AffineAttributes,
  context: OpContext,
): AffineMap {
  const maps = attributes.maps.map((map, k): LinearMap => {
    const operand = operands[k];
    invariant(operand !== undefined, 'one matrix per operand');
    return linearMapOf(
      context.constant(map.segments).data,
      context.constant(map.weights).data,
      shapeOf(operand),
      attributes.shape,
    );
  });
  return { maps, bias: attributes.bias === null ? null : context.constant(attributes.bias).data };
}

const decoded = new WeakMap<Float64Array, LinearMap>();

function linearMapOf(
  segments: Float64Array<ArrayBuffer>,
  weights: Float64Array<ArrayBuffer>,
  inShape: readonly number[],
  outShape: readonly number[],
): LinearMap {
  const known = decoded.get(segments);
  if (
    known?.weights === weights &&
    elementCount(known.inShape) === elementCount(inShape) &&
    elementCount(known.outShape) === elementCount(outShape)
  ) {
    return known;
  }
  const list: Segment[] = decodeSegments(
    segments,
    elementCount(inShape),
    elementCount(outShape),
    weights.length,
  );
  const map = { inShape, outShape, weights, segments: list };
  decoded.set(segments, map);
  return map;
}

/** Attributes of a linear operation for an affine map; its arrays become constants. */
export function affineToAttributes(
  builder: Pick<ProgramBuilder, 'constant'>,
  affine: AffineMap,
  shape: readonly number[],
  hint: string,
): Attributes {
  return {
    shape,
    maps: affine.maps.map((map) => {
      const segments = encodeSegments(map.segments);
      return {
        weights: builder.constant(tensor([map.weights.length], map.weights), `${hint}.weights`),
        segments: builder.constant(tensor([segments.length], segments), `${hint}.segments`),
      };
    }),
    bias:
      affine.bias === null
        ? null
        : builder.constant(tensor([affine.bias.length], affine.bias), `${hint}.bias`),
  };
}

/** The bounds last computed for a first matrix: every pass asks for those of every layer. */
const bounded = new WeakMap<
  LinearMap,
  {
    readonly affine: AffineMap;
    readonly ranges: string;
    readonly bounds: readonly [number, number];
  }
>();

/**
 * Interval bounds of an affine map over the ranges of its operands.
 *
 * Cost: the products of the map, the first time it is asked for these ranges.
 */
export function boundAffine(
  operands: readonly Type[],
  affine: AffineMap,
): readonly [number, number] {
  const [first] = affine.maps;
  invariant(first !== undefined, 'a linear operation has a matrix');
  const ranges = JSON.stringify(
    affine.maps.map((_, k) => {
      const range = operands[k]?.range;
      return [String(range?.lo ?? -Infinity), String(range?.hi ?? Infinity)];
    }),
  );
  const known = bounded.get(first);
  if (
    known?.ranges === ranges &&
    known.affine.bias === affine.bias &&
    sameMaps(known.affine.maps, affine.maps)
  ) {
    return known.bounds;
  }
  const bounds = computeBounds(operands, affine);
  bounded.set(first, { affine, ranges, bounds });
  return bounds;
}

function computeBounds(operands: readonly Type[], affine: AffineMap): readonly [number, number] {
  const size = elementCount(affine.maps[0]?.outShape ?? []);
  const lo = affine.bias === null ? new Float64Array(size) : affine.bias.slice();
  const hi = lo.slice();
  affine.maps.forEach((map, k) => {
    const range = operands[k]?.range;
    const bounds = boundMap(map, range?.lo ?? -Infinity, range?.hi ?? Infinity);
    for (let o = 0; o < size; o++) {
      lo[o] = (lo[o] ?? 0) + (bounds.lo[o] ?? 0);
      hi[o] = (hi[o] ?? 0) + (bounds.hi[o] ?? 0);
    }
  });
  let low = Infinity;
  let high = -Infinity;
  for (let o = 0; o < size; o++) {
    low = Math.min(low, lo[o] ?? 0);
    high = Math.max(high, hi[o] ?? 0);
  }
  return [low, high];
}

export default defineOp({
  name: 'nn.linear',
  code: 40,
  summary: 'A sum of sparse matrices times operands, plus a bias.',
  operands: [{ name: 'x', doc: 'one operand per matrix' }],
  variadic: true,
  attributes: affineSchema,
  levels: 1,
  infer(operands, attributes, context) {
    invariant(operands.length === attributes.maps.length, 'nn.linear has one matrix per operand');
    affineOf(operands, attributes, context);
    return { kind: 'tensor', shape: attributes.shape, range: null };
  },
  range: (operands, attributes, context) =>
    boundAffine(operands, affineOf(operands, attributes, context)),
  evaluate(operands, types, attributes, context) {
    const affine = affineOf(types, attributes, context);
    const sum = new Float64Array(elementCount(attributes.shape));
    if (affine.bias !== null) sum.set(affine.bias);
    affine.maps.forEach((map, k) => {
      const part = applyMap(map, tensorOf(operands[k]).data);
      for (let o = 0; o < sum.length; o++) sum[o] = (sum[o] ?? 0) + (part[o] ?? 0);
    });
    return tensorValue(attributes.shape, sum);
  },
  affine: affineOf,
});
