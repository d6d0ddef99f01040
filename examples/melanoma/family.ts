/** Networks shaped as the trained one, for images of any size: four strided convolutions, a x² + b x between them. */
import { defineProgram } from 'cipherloom/dsl';
import { randomNumbers } from './random-numbers.ts';

const layers = [
  { maps: 16, kernel: 4, stride: 4, padding: 0 },
  { maps: 32, kernel: 3, stride: 2, padding: 1 },
  { maps: 64, kernel: 3, stride: 2, padding: 1 },
  { maps: 96, kernel: 3, stride: 2, padding: 1 },
] as const;

/** Input pixels from one position of the last map to the next. */
const spacing = layers.reduce((product, layer) => product * layer.stride, 1);

/** An untrained network for [1, 3, size, size] in 0…1; its weights are the same on every machine. */
export function familyNetwork(size: number) {
  return defineProgram(`melanoma-${size}`, ({ input }) => {
    // Drawn anew for each program that is built: all have the same.
    const random = randomNumbers(size);
    /** Weights that keep the magnitude of unit inputs, with mean 0. */
    const weights = (shape: readonly number[], inputs: number) => ({
      shape,
      data: Array.from(
        { length: shape.reduce((product, extent) => product * extent, 1) },
        () => (2 * random() - 1) * Math.sqrt(3 / inputs),
      ),
    });
    let x = input('image', [1, 3, size, size] as readonly number[], { range: [0, 1] });
    let channels = 3;
    for (const { maps, kernel, stride, padding } of layers) {
      const inputs = channels * kernel * kernel;
      x = x
        .conv2d(weights([maps, channels, kernel, kernel], inputs), { stride, padding })
        .polynomial([0, 0.7, 0.3]);
      channels = maps;
    }
    const positions = (size / spacing) ** 2;
    return { logit: x.flatten().dense(weights([channels * positions, 1], channels * positions)) };
  });
}
