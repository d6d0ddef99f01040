import { statSync } from 'node:fs';
import { CipherloomError } from '../../errors.ts';
import { createImageDecoder } from '../../frontend/images/decode-image.ts';
import { loadDecoders } from '../../frontend/images/load-decoders.ts';
import { normaliseImage } from '../../frontend/images/normalise-image.ts';
import { squareImage } from '../../frontend/images/square-image.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';
import type { Progress } from '../define-command.ts';
import { listImages } from '../images/list-images.ts';
import { readImage } from '../images/read-image.ts';
import { readInputTensors, type InputTensors } from '../input-tensors.ts';
import { planInputs } from '../protocol/plan-inputs.ts';

/**
 * What is sent: arrays, as everywhere, or a folder of images, of which a network with one square input
 * takes the pixels in 0…1.
 *
 * Throws  as `readInputTensors` and `listImages`; INPUT_INVALID for a network that takes no images
 */
export async function readSubmission(
  words: readonly string[],
  plan: ClientPlan,
  { limit, progress }: { readonly limit: number | undefined; readonly progress: Progress },
): Promise<InputTensors> {
  const [folder, ...others] = words;
  if (folder === undefined || others.length > 0 || !isFolder(folder)) {
    return readInputTensors(words, planInputs(plan), { limit });
  }
  const inputs = planInputs(plan);
  const [input] = inputs;
  const [channels, height, width] = input?.shape.slice(-3) ?? [];
  const square =
    inputs.length === 1 && height === width && height !== undefined && input !== undefined;
  if (
    !square ||
    (channels !== 1 && channels !== 3) ||
    elementCount(input.shape) !== channels * height * height
  ) {
    throw new CipherloomError(
      'INPUT_INVALID',
      `${folder} is a folder of images; the plan takes ${inputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(' and ')}`,
      {
        phase: 'cli',
        node: folder,
        details: { inputs: inputs.map(({ name, shape }) => ({ name, shape })) },
        hint: 'give an array: --input X.npy',
      },
    );
  }
  const images = listImages(folder).images.slice(0, limit);
  progress.step(`reading ${images.length} images`);
  const decode = await createImageDecoder(await loadDecoders());
  const each = channels * height * height;
  const data = new Float32Array(images.length * each);
  const spread = (value: number): number[] => new Array<number>(channels).fill(value);
  for (const [k, { path }] of images.entries()) {
    progress.advance(k, images.length);
    const pixels = squareImage(await readImage(path, decode), height, 'triangle');
    data.set(normaliseImage(pixels, { mean: spread(0), std: spread(1) }), k * each);
  }
  return {
    images: images.length,
    tensors: new Map([[input.name, { data, images: images.length }]]),
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
