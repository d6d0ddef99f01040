import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import type { Segment } from '../linear-map.ts';
import type { Type } from '../types.ts';
import { constantReference, windowAttributes } from './attributes.ts';
import { addMatrixProduct } from './matrix-product.ts';
import { stridedLoops } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';
import { indicesOf, spatialRuns, validPositions, windowOutput } from './window.ts';
import type { Window } from './window.ts';

const attributesSchema = z.strictObject({
  /** Shape [maps, channels / groups, kernel…]. */
  weights: constantReference,
  /** Shape [maps], or null. */
  bias: constantReference.nullable(),
  ...windowAttributes,
  groups: z.int().positive(),
});
type ConvAttributes = z.infer<typeof attributesSchema>;

interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly maps: number;
  readonly groups: number;
  /** Channels and maps of one group. */
  readonly groupChannels: number;
  readonly groupMaps: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly window: Window;
  readonly weights: Float64Array<ArrayBuffer>;
  readonly bias: Float64Array<ArrayBuffer> | null;
}

function geometryOf(
  operand: Type | undefined,
  attributes: ConvAttributes,
  context: OpContext,
): Geometry {
  const { shape } = tensorTypeOf(operand);
  const weights = context.constant(attributes.weights);
  const bias = attributes.bias === null ? null : context.constant(attributes.bias);
  const [batch, channels, ...input] = shape;
  const [maps, groupChannels, ...kernel] = weights.shape;
  const { groups, strides, dilations, pads } = attributes;
  if (
    batch === undefined ||
    channels === undefined ||
    maps === undefined ||
    groupChannels === undefined
  ) {
    return shapeError(context, 'a convolution needs a batch axis and a channel axis', {
      x: shape,
      weights: weights.shape,
    });
  }
  if (channels !== groupChannels * groups || maps % groups !== 0) {
    shapeError(
      context,
      `weights [${weights.shape.join(',')}] in ${groups} groups do not fit ${channels} channels of [${shape.join(',')}]`,
      { channels, groupChannels, maps, groups },
    );
  }
  if (bias !== null && bias.data.length !== maps) {
    shapeError(context, `the bias has ${bias.data.length} elements for ${maps} maps`, {
      bias: bias.shape,
      maps,
    });
  }
  const window = { kernel, strides, dilations, pads, ceilMode: false };
  const output = windowOutput(input, window, context);
  return {
    batch,
    channels,
    maps,
    groups,
    groupChannels,
    groupMaps: maps / groups,
    input,
    output,
    window,
    weights: weights.data,
    bias: bias?.data ?? null,
  };
}

/** Runs of kernel indices that meet the input at some position of one axis; few differ. */
function kernelRuns(
  extent: number,
  positions: number,
  axis: number,
  window: Window,
): [number, number][] {
  const runs = new Map<string, [number, number]>();
  for (let o = 0; o < positions; o++) {
    const start = o * window.strides[axis]! - window.pads[axis]!;
    let first = Infinity;
    let last = -1;
    for (let k = 0; k < window.kernel[axis]!; k++) {
      const i = start + k * window.dilations[axis]!;
      if (i < 0 || i >= extent) continue;
      first = Math.min(first, k);
      last = k;
    }
    runs.set(`${first},${last}`, [first, last]);
  }
  return [...runs.values()];
}

/** Positions of the result that are summed together: their columns stay in the second-level cache. */
const tilePositions = 256;

/** Runs of the positions that each kernel element connects, cut at the ends of tiles, by tile. */
function runsByTile(
  input: readonly number[],
  output: readonly number[],
  window: Window,
): Int32Array[] {
  const tiles = Array.from(
    { length: Math.ceil(elementCount(output) / tilePositions) },
    (): number[] => [],
  );
  const stride = window.strides.at(-1) ?? 1;
  let k = 0;
  for (const index of indicesOf(window.kernel)) {
    const runs = spatialRuns(input, output, window, index);
    runs.out.forEach((first, r) => {
      const end = first + runs.count[r]!;
      for (let out = first; out < end;) {
        const tile = Math.floor(out / tilePositions);
        const stop = Math.min(end, (tile + 1) * tilePositions);
        const from = runs.input[r]! + (out - first) * stride;
        tiles[tile]!.push(k, out - tile * tilePositions, from, stop - out);
        out = stop;
      }
    });
    k++;
  }
  return tiles.map((tile) => Int32Array.from(tile));
}

/** Write the inputs of each position of a tile as columns: [channel and kernel element][position]. */
function gatherColumns(
  columns: Float64Array,
  from: {
    readonly data: Float64Array;
    readonly start: number;
    readonly size: number;
    readonly channels: number;
  },
  kernelSize: number,
  runs: Int32Array,
  stride: number,
): void {
  columns.fill(0);
  for (let c = 0; c < from.channels; c++) {
    const base = from.start + c * from.size;
    for (let r = 0; r < runs.length; r += 4) {
      let to = (c * kernelSize + runs[r]!) * tilePositions + runs[r + 1]!;
      let at = base + runs[r + 2]!;
      for (const end = to + runs[r + 3]!; to < end; to++) {
        columns[to] = from.data[at]!;
        at += stride;
      }
    }
  }
}

export default defineOp({
  name: 'nn.conv',
  code: 10,
  summary: 'Convolution over any number of spatial axes, in groups.',
  operands: [{ name: 'x', doc: '[batch, channels, spatial…]' }],
  attributes: attributesSchema,
  levels: 1,
  infer([x], attributes, context) {
    const { batch, maps, output } = geometryOf(x, attributes, context);
    return resultType([batch, maps, ...output], context);
  },
  range([x], attributes, context) {
    const { input, output, window, weights, bias, maps, groupChannels } = geometryOf(
      x,
      attributes,
      context,
    );
    const [lo, hi] = boundsOf(x);
    const runs = input.map((extent, axis) => kernelRuns(extent, output[axis]!, axis, window));
    const kernelStrides = rowMajorStrides(window.kernel);
    const kernelSize = elementCount(window.kernel);
    let low = Infinity;
    let high = -Infinity;
    for (const choice of indicesOf(runs.map((ofAxis) => ofAxis.length))) {
      const chosen = choice.map((n, axis) => runs[axis]![n]!);
      // Kernel elements that meet the input there, as flat indices.
      const inside: number[] = [];
      for (const index of indicesOf(chosen.map(([first, last]) => Math.max(0, last - first + 1)))) {
        inside.push(
          index.reduce((sum, k, axis) => sum + (k + chosen[axis]![0]) * kernelStrides[axis]!, 0),
        );
      }
      for (let m = 0; m < maps; m++) {
        let least = bias?.[m] ?? 0;
        let most = least;
        for (let c = 0; c < groupChannels; c++) {
          const at = (m * groupChannels + c) * kernelSize;
          for (const k of inside) {
            const w = weights[at + k]!;
            least += w >= 0 ? w * lo : w * hi;
            most += w >= 0 ? w * hi : w * lo;
          }
        }
        low = Math.min(low, least);
        high = Math.max(high, most);
      }
    }
    return [low, high];
  },
  evaluate([x], [type], attributes, context) {
    const geometry = geometryOf(type, attributes, context);
    const {
      batch,
      channels,
      maps,
      groups,
      groupChannels,
      groupMaps,
      input,
      output,
      window,
      weights,
      bias,
    } = geometry;
    const data = tensorOf(x).data;
    const inSize = elementCount(input);
    const outSize = elementCount(output);
    const kernelSize = elementCount(window.kernel);
    const y = new Float64Array(batch * maps * outSize);
    if (bias !== null) {
      for (let n = 0; n < batch * maps; n++)
        y.fill(bias[n % maps]!, n * outSize, (n + 1) * outSize);
    }
    const stride = window.strides.at(-1) ?? 1;
    const depth = groupChannels * kernelSize;
    const columns = new Float64Array(depth * tilePositions);
    for (const [tile, runs] of runsByTile(input, output, window).entries()) {
      const first = tile * tilePositions;
      const size = {
        rows: groupMaps,
        depth,
        positions: Math.min(tilePositions, outSize - first),
      };
      for (let n = 0; n < batch; n++) {
        for (let g = 0; g < groups; g++) {
          const firstChannel = n * channels + g * groupChannels;
          gatherColumns(
            columns,
            { data, start: firstChannel * inSize, size: inSize, channels: groupChannels },
            kernelSize,
            runs,
            stride,
          );
          addMatrixProduct(
            { data: y, start: (n * maps + g * groupMaps) * outSize + first, stride: outSize },
            { data: weights, start: g * groupMaps * depth },
            { data: columns, stride: tilePositions },
            size,
          );
        }
      }
    }
    return tensorValue([batch, maps, ...output], y);
  },
  affine([x], attributes, context) {
    const geometry = geometryOf(x, attributes, context);
    const { batch, channels, maps, groups, groupChannels, groupMaps, input, output, window, bias } =
      geometry;
    const inStrides = rowMajorStrides(input);
    const outStrides = rowMajorStrides(output);
    const kernelStrides = rowMajorStrides(window.kernel);
    const inSize = elementCount(input);
    const outSize = elementCount(output);
    const kernelSize = elementCount(window.kernel);
    const segments: Segment[] = [];
    for (const index of indicesOf(window.kernel)) {
      const offsets = index.map((k, axis) => k * window.dilations[axis]! - window.pads[axis]!);
      const valid = input.map((extent, axis) =>
        validPositions(extent, output[axis]!, window.strides[axis]!, offsets[axis]!),
      );
      if (valid.some(([first, last]) => last < first)) continue;
      const sum = (terms: readonly number[]): number =>
        terms.reduce((total, term) => total + term, 0);
      segments.push({
        out: sum(valid.map(([first], axis) => first * outStrides[axis]!)),
        input: sum(
          valid.map(
            ([first], axis) => (first * window.strides[axis]! + offsets[axis]!) * inStrides[axis]!,
          ),
        ),
        weight: sum(index.map((k, axis) => k * kernelStrides[axis]!)),
        loops: stridedLoops(
          [
            batch,
            groups,
            groupMaps,
            groupChannels,
            ...valid.map(([first, last]) => last - first + 1),
          ],
          [maps * outSize, groupMaps * outSize, outSize, 0, ...outStrides],
          [
            channels * inSize,
            groupChannels * inSize,
            0,
            inSize,
            ...inStrides.map((stride, axis) => stride * window.strides[axis]!),
          ],
          [0, groupMaps * groupChannels * kernelSize, groupChannels * kernelSize, kernelSize],
        ),
      });
    }
    const outShape = [batch, maps, ...output];
    const map = { inShape: tensorTypeOf(x).shape, outShape, weights: geometry.weights, segments };
    if (bias === null) return { maps: [map], bias: null };
    return {
      maps: [map],
      bias: Float64Array.from(
        { length: elementCount(outShape) },
        (_, o) => bias[Math.floor(o / outSize) % maps]!,
      ),
    };
  },
});
