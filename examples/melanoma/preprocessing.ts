/** What a network was trained to see: size and resize kernel, stated in its ONNX metadata. */
import { CipherloomError } from '../../src/errors.ts';
import { resizeKernels, type ResizeKernel } from '../../src/frontend/images/square-image.ts';

export interface Preprocessing {
  /** Height and width of the network's input in pixels. */
  readonly size: number;
  readonly kernel: ResizeKernel;
}

/** Metadata keys; train.py writes them. */
export const sizeKey = 'cipherloom.image.size';
export const kernelKey = 'cipherloom.image.resize';

/** 1024 × 1024 is beyond what any plan holds and still small to allocate. */
export const maxSize = 1024;

export function isSize(text: string): boolean {
  return /^[1-9]\d{0,3}$/.test(text) && Number(text) <= maxSize;
}

export function isKernel(text: string): text is ResizeKernel {
  return (resizeKernels as readonly string[]).includes(text);
}

/** Throws  MODEL_INVALID if the metadata does not state a size and a kernel known here. */
export function preprocessingOf(
  metadata: ReadonlyMap<string, string>,
  model: string,
): Preprocessing {
  const size = metadata.get(sizeKey);
  const kernel = metadata.get(kernelKey);
  if (size === undefined || !isSize(size)) throw invalid(model, sizeKey, size, `1…${maxSize}`);
  if (kernel === undefined || !isKernel(kernel)) {
    throw invalid(model, kernelKey, kernel, resizeKernels.join(' or '));
  }
  return { size: Number(size), kernel };
}

function invalid(model: string, key: string, value: string | undefined, wanted: string) {
  const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value.slice(0, 100))}`;
  return new CipherloomError(
    'MODEL_INVALID',
    `${model}: metadata "${key}" ${found}, not ${wanted}`,
    {
      phase: 'frontend',
      node: key,
      hint: 'pass --size and --kernel, or a network written by examples/melanoma/train.py',
    },
  );
}
