// Corners of an image: where its gradients point in two directions (Harris and Stephens, 1988).
import { defineProgram } from 'cipherloom/dsl';

const kernel = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
];
const transposed = kernel.map((row, i) => row.map((_, j) => kernel[j]![i]!));
const box = kernel.map((row) => row.map(() => 1));
const padding = 'same';

export default defineProgram('harris', ({ input }) => {
  const image = input('image', [1, 64, 64], { range: [0, 1] });
  const gx = image.conv2d(kernel, { padding });
  const gy = image.conv2d(transposed, { padding });
  const sxx = gx.square().conv2d(box, { padding });
  const syy = gy.square().conv2d(box, { padding });
  const sxy = gx.mul(gy).conv2d(box, { padding });
  const determinant = sxx.mul(syy).sub(sxy.square());
  return { corners: determinant.sub(sxx.add(syy).square().mul(0.04)) };
});
