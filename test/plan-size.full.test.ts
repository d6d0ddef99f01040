import { expect, it } from 'vitest';
import { compile } from '../src/compile.ts';
import { mnistCalibration, mnistModel } from './support/example-networks.ts';

/** Parameters of examples/mnist/lenet.onnx (its README), as float32. */
const lenetWeightBytes = 4 * 1_664_586;

it('the plan of lenet takes at most twice its weights and a megabyte, and 30 seconds', async () => {
  const start = performance.now();
  const model = await compile(mnistModel('lenet'), { calibration: mnistCalibration() });
  expect(performance.now() - start).toBeLessThan(30_000);
  const size = model.files().get('model.loom')!.length;
  expect(size).toBeGreaterThan(lenetWeightBytes / 2);
  expect(size).toBeLessThanOrEqual(2 * lenetWeightBytes + 1_000_000);
});
