/** The same elements elsewhere, cut, joined or repeated. */
import { z } from 'zod';
import type { NodeValue } from '../../define-importer.ts';
import { axis, count, defineMethod, operand, parameter, shapeOfNode } from '../define-method.ts';
import type { MethodContext } from '../define-method.ts';

const alongAxis = parameter('axis', axis, 'axis, negative ones from the end');
const extents = z.array(z.int().min(-1)).readonly();

/** An axis counted from the front. */
function axisOf(x: NodeValue, at: number, context: MethodContext): number {
  const rank = shapeOfNode(x).length;
  if (at < -rank || at >= rank) {
    context.invalid(`axis ${at} is not an axis of [${shapeOfNode(x).join(',')}]`);
  }
  return at < 0 ? at + rank : at;
}

function cut(
  x: NodeValue,
  at: number,
  [start, end, step]: readonly [number, number, number],
  context: MethodContext,
): NodeValue {
  const lists = [start, end, at, step].map((value) => context.integers([value]));
  return context.apply('Slice', [x, ...lists]);
}

function joined(parts: readonly NodeValue[], at: number, context: MethodContext): NodeValue {
  return context.apply('Concat', parts, { axis: at });
}

/** Past the end of every axis: what Slice takes for "to the end" in either direction. */
const theEnd = 2 ** 31;

export const rearrangements = {
  roll: defineMethod({
    summary: 'Elements moved along an axis; what leaves at the end comes in at the start.',
    parameters: [parameter('shift', z.int(), 'places, negative ones to the front'), alongAxis],
    build(x, [shift, where], context) {
      const at = axisOf(x, where, context);
      const extent = shapeOfNode(x)[at]!;
      const places = ((shift % extent) + extent) % extent;
      if (places === 0) return x;
      const tail = cut(x, at, [extent - places, extent, 1], context);
      return joined([tail, cut(x, at, [0, extent - places, 1], context)], at, context);
    },
  }),
  slice: defineMethod({
    summary: 'Every step-th element along an axis, from start up to end.',
    parameters: [
      alongAxis,
      parameter('start', z.int(), 'first element, negative ones from the end'),
      parameter('end', z.int().optional(), 'end, not included; the rest where absent'),
      parameter('step', z.int().default(1), 'distance, negative ones backwards'),
    ],
    build(x, [where, start, end, step], context) {
      const at = axisOf(x, where, context);
      return cut(x, at, [start, end ?? Math.sign(step) * theEnd, step], context);
    },
  }),
  concat: defineMethod({
    summary: 'x, then other, along an axis.',
    parameters: [
      parameter('other', operand, 'a value or a constant that agrees in every other axis'),
      alongAxis,
    ],
    build: (x, [other, where], context) =>
      joined([x, context.node(other)], axisOf(x, where, context), context),
  }),
  reshape: defineMethod({
    summary: 'The same elements in the same order under another shape.',
    parameters: [parameter('shape', extents, 'extents; one may be −1 and is filled in')],
    build(x, [shape], context) {
      if (shape.includes(0)) context.invalid('an extent is 0');
      return context.apply('Reshape', [x, context.integers(shape)]);
    },
  }),
  flatten: defineMethod({
    summary: 'All elements in one axis.',
    parameters: [],
    build: (x, _, context) => context.apply('Reshape', [x, context.integers([-1])]),
  }),
  transpose: defineMethod({
    summary: 'Axes in another order.',
    parameters: [
      parameter(
        'order',
        z.array(z.int().min(0)).readonly().optional(),
        'for each axis of the result the axis of x; the other way around where absent',
      ),
    ],
    build: (x, [order], context) =>
      context.apply('Transpose', [x], {
        perm: order ?? [...shapeOfNode(x).keys()].toReversed(),
      }),
  }),
  pad: defineMethod({
    summary: 'x with one value around it.',
    parameters: [
      parameter(
        'pads',
        z.array(z.tuple([z.int(), z.int()]).readonly()).readonly(),
        '[before, behind] for each axis; negative ones cut',
      ),
      parameter('value', z.number().default(0), 'the value'),
    ],
    build(x, [pads, value], context) {
      const list = [...pads.map(([before]) => before), ...pads.map(([, behind]) => behind)];
      return context.apply('Pad', [x, context.integers(list), context.node(value)]);
    },
  }),
  repeat: defineMethod({
    summary: 'Each element several times along an axis, as a a b b.',
    parameters: [parameter('count', count, 'how often'), alongAxis],
    build(x, [times, where], context) {
      const at = axisOf(x, where, context);
      const shape = shapeOfNode(x);
      const apart = shape.toSpliced(at + 1, 0, 1);
      const wide = apart.with(at + 1, times);
      const spread = context.apply('Reshape', [x, context.integers(apart)]);
      const y = context.apply('Expand', [spread, context.integers(wide)]);
      return context.apply('Reshape', [
        y,
        context.integers(shape.with(at, (shape[at] ?? 1) * times)),
      ]);
    },
  }),
  tile: defineMethod({
    summary: 'The whole tensor several times along each axis, as a b a b.',
    parameters: [parameter('counts', z.array(count).readonly(), 'how often, for each axis')],
    build: (x, [counts], context) => context.apply('Tile', [x, context.integers(counts)]),
  }),
  expand: defineMethod({
    summary: 'x broadcast to a shape.',
    parameters: [parameter('shape', z.array(count).readonly(), 'extents')],
    build: (x, [shape], context) => context.apply('Expand', [x, context.integers(shape)]),
  }),
};
