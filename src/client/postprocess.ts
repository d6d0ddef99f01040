/** Doing the steps that a plan leaves to the client. */
import { shapeAfter, topOf } from '../layout/postprocess.ts';
import type { PostprocessStep } from '../layout/postprocess.ts';

export interface Tensor {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** Apply one step to the tensor of one image. */
export function postprocess(tensor: Tensor, step: PostprocessStep): Tensor {
  const { shape } = tensor;
  const axis = step.axis < 0 ? step.axis + shape.length : step.axis;
  return {
    shape: shapeAfter(step, shape),
    data: alongAxis(tensor, axis, (line) => lines[step.op](line, step)),
  };
}

type LineMap = (line: Float64Array, step: PostprocessStep) => Float64Array;

const topIndices: LineMap = (line, { count = 1, smallest = false }) => topOf(line, count, smallest);

/** What a step makes of one line along its axis. */
const lines: Readonly<Record<PostprocessStep['op'], LineMap>> = {
  softmax,
  logSoftmax,
  hardmax(line) {
    const [best] = topOf(line, 1, false);
    return line.map((_, k) => (k === best ? 1 : 0));
  },
  argMax: (line) => topOf(line, 1, false),
  argMin: (line) => topOf(line, 1, true),
  topIndices,
  topValues: (line, step) => topIndices(line, step).map((k) => line[k]!),
};

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
