import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { integers } from './attributes.ts';
import { copySegment, copyStrided } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

interface Region {
  readonly shape: readonly number[];
  /** Extents of the elements that the operand and the result share, and where they start. */
  readonly kept: readonly number[];
  readonly outStart: number;
  readonly inStart: number;
}

function regionOf(from: readonly number[], pads: readonly number[]): Region {
  const before = from.map((_, axis) => pads[axis]!);
  const behind = from.map((_, axis) => pads[axis + from.length]!);
  const shape = from.map((extent, axis) => extent + before[axis]! + behind[axis]!);
  const kept = from.map(
    (extent, axis) => extent + Math.min(0, before[axis]!) + Math.min(0, behind[axis]!),
  );
  const outStrides = rowMajorStrides(shape);
  const inStrides = rowMajorStrides(from);
  return {
    shape,
    kept,
    outStart: before.reduce((sum, pad, axis) => sum + Math.max(0, pad) * outStrides[axis]!, 0),
    inStart: before.reduce((sum, pad, axis) => sum + Math.max(0, -pad) * inStrides[axis]!, 0),
  };
}

export default defineOp({
  name: 'nn.pad',
  code: 5,
  summary: 'The operand with one value around it; negative pads cut instead.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    /** Elements added before each axis, then behind each axis. */
    pads: integers,
    value: z.number(),
  }),
  levels: 1,
  infer([x], { pads }, context) {
    const { shape } = tensorTypeOf(x);
    if (pads.length !== 2 * shape.length) {
      shapeError(
        context,
        `a tensor of rank ${shape.length} needs ${2 * shape.length} pads, not ${pads.length}`,
        {
          pads,
        },
      );
    }
    const region = regionOf(shape, pads);
    if (region.kept.some((extent) => extent < 1)) {
      shapeError(context, `the pads [${pads.join(',')}] leave nothing of [${shape.join(',')}]`, {
        pads,
        shape,
      });
    }
    return resultType(region.shape, context);
  },
  range([x], { pads, value }) {
    const [lo, hi] = boundsOf(x);
    return pads.some((pad) => pad > 0) ? [Math.min(lo, value), Math.max(hi, value)] : [lo, hi];
  },
  evaluate([x], [type], { pads, value }) {
    const from = tensorTypeOf(type).shape;
    const { shape, kept, outStart, inStart } = regionOf(from, pads);
    const data = new Float64Array(elementCount(shape)).fill(value);
    const source = tensorOf(x).data;
    copyStrided(
      kept,
      source,
      inStart,
      rowMajorStrides(from),
      data,
      outStart,
      rowMajorStrides(shape),
    );
    return tensorValue(shape, data);
  },
  affine([x], { pads, value }) {
    const from = tensorTypeOf(x).shape;
    const { shape, kept, outStart, inStart } = regionOf(from, pads);
    const outStrides = rowMajorStrides(shape);
    const segment = copySegment(kept, outStart, outStrides, inStart, rowMajorStrides(from));
    const map = {
      inShape: from,
      outShape: shape,
      weights: Float64Array.of(1),
      segments: [segment],
    };
    if (value === 0) return { maps: [map], bias: null };
    const bias = new Float64Array(elementCount(shape)).fill(value);
    const zero = new Float64Array(1);
    copyStrided(
      kept,
      zero,
      0,
      kept.map(() => 0),
      bias,
      outStart,
      outStrides,
    );
    return { maps: [map], bias };
  },
});
