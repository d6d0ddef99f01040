/** Operators whose every output element is a weighted sum of input elements, as one nn.linear. */
import { gatherSegments } from '../../ir/gather-segments.ts';
import { entryCount, isIdentityMap, mapFromEntries } from '../../ir/linear-map.ts';
import type { LinearMap, Segment } from '../../ir/linear-map.ts';
import type { AffineMap } from '../../ir/define-op.ts';
import { affineToAttributes } from '../../ir/nn/linear.ts';
import { stridedLoops } from '../../ir/nn/strided.ts';
import { sameShape } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';

/** Entries of one matrix: an index list of them takes 12 bytes each. */
const maxEntries = 2 ** 26;
/** Strided runs of one matrix before they are gathered. */
const maxSegments = 2 ** 18;
/** Loops of one segment that programs and plans hold. */
const maxLoops = 16;

/** Input elements and their weights that make up one output element along an axis. */
export type AxisRow = readonly (readonly [input: number, weight: number])[];

/** The matrix of an axis of `extent` elements that becomes one of rows.length. */
export function axisMatrix(extent: number, rows: readonly AxisRow[]): LinearMap {
  const entries = rows.flatMap((row, out) =>
    row.map(([input, weight]) => ({ out, input, weight })),
  );
  return mapFromEntries(
    [extent],
    [rows.length],
    entries.map(({ out }) => out),
    entries.map(({ input }) => input),
    entries.map(({ weight }) => weight),
  );
}

/** The matrix of an axis whose element k is element sources[k] of the operand. */
export function axisSelection(extent: number, sources: readonly number[]): LinearMap {
  return axisMatrix(
    extent,
    sources.map((source) => [[source, 1]]),
  );
}

/** Σ map · operand + bias as one operation; an identity stays a reshape. Throws RESOURCE_LIMIT. */
export function linear(
  operands: readonly DataValue[],
  affine: AffineMap,
  shape: readonly number[],
  context: ImportContext,
): DataValue {
  context.elements(shape);
  const entries = affine.maps.reduce((sum, map) => sum + entryCount(map), 0);
  if (entries > maxEntries) {
    context.tooLarge(`its matrix has ${entries} entries`, entries, maxEntries);
  }
  context.entries(entries);
  const loops = affine.maps.flatMap((map) => map.segments.map((segment) => segment.loops.length));
  if (loops.some((count) => count > maxLoops)) {
    context.unsupported(`it runs over more than ${maxLoops} axes`, 'merge axes with Reshape');
  }
  const [x] = operands;
  const [map] = affine.maps;
  if (x !== undefined && map !== undefined && operands.length === 1 && affine.bias === null) {
    if (isIdentityMap(map)) {
      return sameShape(x.shape, shape) ? x : context.add('nn.reshape', [x], { shape });
    }
  }
  const attributes = affineToAttributes(
    { constant: (value, hint) => context.reference(value, hint) },
    affine,
    shape,
    context.name,
  );
  return context.add('nn.linear', operands, attributes);
}

/** Apply one matrix to each of some axes; the others stay. */
export function alongAxes(
  x: DataValue,
  matrices: ReadonlyMap<number, LinearMap>,
  context: ImportContext,
  bias: AffineMap['bias'] = null,
): DataValue {
  const maps = x.shape.map((extent, axis) => matrices.get(axis) ?? unchanged(extent));
  const segments = maps.reduce((product, map) => product * map.segments.length, 1);
  if (segments > maxSegments) {
    context.tooLarge(`its matrix has ${segments} strided runs`, segments, maxSegments);
  }
  context.elements(maps.flatMap(({ outShape }) => outShape));
  context.elements(maps.map(({ weights }) => weights.length));
  const map = kroneckerMap(maps);
  return linear([x], { maps: [map], bias }, map.outShape, context);
}

/** The tensor of `shape` whose element k is element sources[k] of x. */
export function selectElements(
  x: DataValue,
  shape: readonly number[],
  sources: Int32Array,
  context: ImportContext,
): DataValue {
  const map: LinearMap = {
    inShape: x.shape,
    outShape: shape,
    weights: Float64Array.of(1),
    segments: gatherSegments(
      sources.map((_, k) => k),
      sources,
      new Int32Array(sources.length),
    ),
  };
  return linear([x], { maps: [map], bias: null }, shape, context);
}

function unchanged(extent: number): LinearMap {
  const loops = stridedLoops([extent], [1], [1]);
  const segments = [{ out: 0, input: 0, weight: 0, loops }];
  return { inShape: [extent], outShape: [extent], weights: Float64Array.of(1), segments };
}

/** The Kronecker product: the matrix that applies one matrix to each axis. */
export function kroneckerMap(maps: readonly LinearMap[]): LinearMap {
  let segments: Segment[] = [{ out: 0, input: 0, weight: 0, loops: [] }];
  let weights = Float64Array.of(1);
  for (const map of maps) {
    const size = {
      out: elementCount(map.outShape),
      input: elementCount(map.inShape),
      weight: map.weights.length,
    };
    segments = segments.flatMap((outer) =>
      map.segments.map((inner): Segment => ({
        out: outer.out * size.out + inner.out,
        input: outer.input * size.input + inner.input,
        weight: outer.weight * size.weight + inner.weight,
        loops: [
          ...outer.loops.map((loop) => ({
            count: loop.count,
            out: loop.out * size.out,
            input: loop.input * size.input,
            weight: loop.weight * size.weight,
          })),
          ...inner.loops,
        ],
      })),
    );
    const before = weights;
    weights = Float64Array.from(
      { length: before.length * size.weight },
      (_, n) => before[Math.floor(n / size.weight)]! * map.weights[n % size.weight]!,
    );
  }
  return {
    inShape: maps.flatMap(({ inShape }) => inShape),
    outShape: maps.flatMap(({ outShape }) => outShape),
    weights,
    segments: segments.map((segment) => ({ ...segment, loops: merged(segment.loops) })),
  };
}

function merged(loops: Segment['loops']): Segment['loops'] {
  return stridedLoops(
    loops.map(({ count }) => count),
    loops.map(({ out }) => out),
    loops.map(({ input }) => input),
    loops.map(({ weight }) => weight),
  );
}
