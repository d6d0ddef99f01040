/** What the generated types say of a tensor: its shape as the caller meets it. */
import type { ClientOutput, InputForm } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';
import { leavesIndices, shapeAfter } from '../../layout/postprocess.ts';

export interface TensorFacts {
  /** Shape of one image. */
  readonly shape: readonly number[];
  /** Whether the first axis, of extent 1, counts images; else several images get an axis in front. */
  readonly batchAxis: boolean;
}

export function inputFacts({ shape }: InputForm): TensorFacts {
  return { shape, batchAxis: shape[0] === 1 };
}

/** The shape after the steps that the client does on the decrypted values. */
export function outputFacts({ shape, postprocess }: ClientOutput): TensorFacts {
  const finished = postprocess.reduce((now, step) => shapeAfter(step, now), shape);
  return { shape: finished, batchAxis: shape[0] === 1 && finished[0] === 1 };
}

/**
 * Whether the labels of an output name its images: the largest of the values does, or the index
 * that a final ArgMax leaves. Else they name channels, of which one image has many places.
 */
export function namesAnImage(output: ClientOutput): boolean {
  const { labels, postprocess } = output;
  if (elementCount(output.shape) !== labels?.length) return false;
  // The largest values alone no longer stand where their labels do.
  if (postprocess.some(({ op }) => op === 'topValues')) return false;
  const finished = elementCount(outputFacts(output).shape);
  return finished === (postprocess.some(leavesIndices) ? 1 : labels.length);
}
