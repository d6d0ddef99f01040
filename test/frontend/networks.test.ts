import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { expectSameAsOnnxruntime, randomInputs } from '../support/compare-onnx.ts';
import { dataPath } from '../support/data.ts';

const examples = path.join(import.meta.dirname, '../../examples/mnist');

describe('networks of examples/mnist', () => {
  const files = readdirSync(examples).filter((file) => file.endsWith('.onnx'));

  test('are there', () => {
    expect(files).toContain('lola.onnx');
  });

  test.each(files)('%s agrees with ONNX Runtime', async (file) => {
    const model = await expectSameAsOnnxruntime(readFileSync(path.join(examples, file)));
    expect(model.warnings).toEqual([]);
    expect(model.labels).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });
});

const others = dataPath('onnx/he-man-tenseal');

describe.skipIf(others === null)('networks of he-man-tenseal (needs the data folder)', () => {
  test.each([
    'demo/mnist/mnist.onnx',
    'evaluation/cryptonets.onnx',
    'evaluation/cryptonets_square.onnx',
    'evaluation/lenet5.onnx',
    'evaluation/lenet5_square.onnx',
    'evaluation/mobilefacenets.onnx',
    'tests/models/3-bit-int-model.onnx',
    'tests/models/add.onnx',
    'tests/models/avgpool1d.onnx',
    'tests/models/avgpool2d.onnx',
    'tests/models/avgpool3d.onnx',
    'tests/models/conv.onnx',
    'tests/models/conv_v2.onnx',
    'tests/models/gemm.onnx',
    'tests/models/matmul.onnx',
    'tests/models/mul.onnx',
    'tests/models/pad-constant-3d.onnx',
    'tests/models/pad-zero-2d.onnx',
    'tests/models/power2-plus-power4.onnx',
    'tests/models-approximated/mnist_small_relu.onnx',
    'tests/models-approximated/relu.onnx',
    'tests/models-fixed-depth/depth3.onnx',
  ])('%s agrees with ONNX Runtime', async (file) => {
    const model = await expectSameAsOnnxruntime(readFileSync(path.join(others!, file)));
    expect(model.warnings.map(({ id }) => id)).toEqual(['INPUT_RANGE_ASSUMED']);
  });
});

const collection = dataPath('onnx');

describe.skipIf(collection === null)('networks of other tools (needs the data folder)', () => {
  test.each([
    'ace/model/resnet20_cifar10_pre.onnx',
    'cONNXr/mnist/model.onnx',
    'onnx-mlir/docs/mnist_example/mnist.onnx',
    'onnx2c/examples/atmega_mnist/mnist.simplified.onnx',
    'onnx2c/test/mnist/pytorch.onnx',
    'onnx2c/test/simple_networks/conv_2ch_3kernels_randombias.onnx',
    'onnx2c/test/simple_networks/conv_k2_maxpool_k2.onnx',
    'onnx2c/test/tfl_helloworld/model.onnx',
    'onnx2c/test/velardo/lesson14.onnx',
    'onnx2c/test/velardo/lesson9.onnx',
    'tract/examples/keras-tract-tf2/example.onnx',
    'tract/onnx/test_cases/averagepool_count_include_pad/model.onnx',
    'wonnx/opt-mnist.onnx',
    'wonnx/single_relu.onnx',
    'he-man-tenseal/tests/models/pad-edge-2d.onnx',
    'he-man-tenseal/tests/models/pad-reflection-1d.onnx',
  ])('%s agrees with ONNX Runtime', async (file) => {
    await expectSameAsOnnxruntime(readFileSync(path.join(collection!, file)));
  });
});

test('the largest network of the examples runs in the clear within 50 ms an image', () => {
  const bytes = readFileSync(path.join(examples, 'lenet.onnx'));
  const model = importOnnx(bytes, { name: 'lenet' });
  const inputs = randomInputs(model, 1);
  const values = new Map(
    [...inputs].map(([name, tensor]) => [name, { kind: 'tensor', tensor } as const]),
  );
  // Processor time, the best of several: other processes share the machine.
  const times = Array.from({ length: 10 }, () => {
    const before = process.cpuUsage();
    interpret(model.program, values);
    return process.cpuUsage(before).user / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(50);
});
