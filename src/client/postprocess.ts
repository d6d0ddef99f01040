/** The steps a plan leaves to the client: they need comparisons, which ciphertexts lack. */
import type { PostprocessStep } from '../layout/client-plan.ts';

export interface Tensor {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** Apply one step to the tensor of one image. */
export function postprocess(tensor: Tensor, step: PostprocessStep): Tensor {
  const { shape } = tensor;
  const axis = step.axis < 0 ? step.axis + shape.length : step.axis;
  switch (step.op) {
    case 'softmax':
      return { shape, data: alongAxis(tensor, axis, softmax) };
    case 'logSoftmax':
      return { shape, data: alongAxis(tensor, axis, logSoftmax) };
    case 'argMax':
      return {
        shape: shape.flatMap((extent, i) =>
          i !== axis ? [extent] : step.keepDims === true ? [1] : [],
        ),
        data: alongAxis(tensor, axis, argMax),
      };
  }
}

/** Map every line along an axis; a line may shrink to one value. */
function alongAxis(
  { data, shape }: Tensor,
  axis: number,
  map: (line: Float64Array) => Float64Array,
): Float64Array {
  const product = (extents: readonly number[]): number => extents.reduce((a, b) => a * b, 1);
  const extent = shape[axis] ?? 1;
  const inner = product(shape.slice(axis + 1));
  const outer = product(shape.slice(0, axis));
  const line = new Float64Array(extent);
  let result: Float64Array | null = null;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < extent; k++) line[k] = data[(o * extent + k) * inner + i] ?? 0;
      const mapped = map(line);
      result ??= new Float64Array(outer * inner * mapped.length);
      for (let k = 0; k < mapped.length; k++) {
        result[(o * mapped.length + k) * inner + i] = mapped[k] ?? 0;
      }
    }
  }
  return result ?? new Float64Array();
}

function logSoftmax(line: Float64Array): Float64Array {
  // Shifted by the largest value so that no exponential overflows.
  const largest = line.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = Math.log(line.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return line.map((x) => x - largest - logSum);
}

function softmax(line: Float64Array): Float64Array {
  return logSoftmax(line).map(Math.exp);
}

/** The first of equal ones, as ONNX ArgMax. */
function argMax(line: Float64Array): Float64Array {
  let best = 0;
  for (let k = 1; k < line.length; k++) if (line[k]! > line[best]!) best = k;
  return Float64Array.of(best);
}
