// The program of small.loom and batch.loom: every operation of a plan, in few bytes.
import { defineProgram } from 'cipherloom/dsl';

const kernel = [
  [-1, 0, 1],
  [-2, 0.5, 2],
  [-1, 0, 1],
];

export default defineProgram('small', ({ input }) => {
  const image = input('image', [1, 4, 4], { range: [-1, 1] });
  const gx = image.conv2d(kernel, { padding: 'same' });
  return { y: gx.mul(image).sub(gx.square().mul(0.25)).add(image) };
});
