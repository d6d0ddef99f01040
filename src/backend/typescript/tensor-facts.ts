/** What the generated types say of a tensor: its shape as the caller meets it. */
import type { ClientInput, ClientOutput } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';

export interface TensorFacts {
  /** Shape of one image. */
  readonly shape: readonly number[];
  /** Whether the first axis, of extent 1, counts images; else several images get an axis in front. */
  readonly batchAxis: boolean;
}

export function inputFacts({ shape }: ClientInput): TensorFacts {
  return { shape, batchAxis: shape[0] === 1 };
}

/** The shape after the steps that the client does on the decrypted values. */
export function outputFacts({ shape, postprocess }: ClientOutput): TensorFacts {
  let finished = shape;
  for (const { op, axis, keepDims } of postprocess) {
    if (op !== 'argMax') continue;
    const reduced = axis < 0 ? axis + finished.length : axis;
    finished = finished.flatMap((extent, i) =>
      i !== reduced ? [extent] : keepDims === true ? [1] : [],
    );
  }
  return { shape: finished, batchAxis: shape[0] === 1 && finished[0] === 1 };
}

/**
 * Whether the labels of an output name its images: the largest of the values does, or the index
 * that a final ArgMax leaves. Else they name channels, of which one image has many places.
 */
export function namesAnImage(output: ClientOutput): boolean {
  if (elementCount(output.shape) !== output.labels?.length) return false;
  const finished = elementCount(outputFacts(output).shape);
  return finished === (output.postprocess.at(-1)?.op === 'argMax' ? 1 : output.labels.length);
}
