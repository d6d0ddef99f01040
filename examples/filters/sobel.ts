// Edges of an image: the magnitude of its gradient, with EVA's polynomial in the place of a root.
import { defineProgram } from 'cipherloom/dsl';

const kernel = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
];
const transposed = kernel.map((row, i) => row.map((_, j) => kernel[j]![i]!));

// √d for d of about 0 to 2.5 (Dathathri et al., EVA, PLDI 2020).
const root = [0, 2.2137874823876622, -1.0984324107372518, 0.17254603006834726];

export default defineProgram('sobel', ({ input }) => {
  const image = input('image', [1, 64, 64], { range: [0, 1] });
  const gx = image.conv2d(kernel, { padding: 'same' });
  const gy = image.conv2d(transposed, { padding: 'same' });
  return { edges: gx.square().add(gy.square()).polynomial(root) };
});
