/** Which files are run encrypted. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import onnxProto from 'onnx-proto';

/** A few seconds each. */
export const encryptedFast: readonly string[] = [
  ...[
    'models-fixed-depth/depth3',
    'models/3-bit-int-model',
    'models/add',
    'models/avgpool1d',
    'models/avgpool2d',
    'models/avgpool3d',
    'models/conv',
    'models/conv_v2',
    'models/gemm',
    'models/matmul',
    'models/mul',
    'models/pad-constant-3d',
    'models/pad-edge-2d',
    'models/pad-reflection-1d',
    'models/power2-plus-power4',
  ].map((name) => `he-man-tenseal/tests/${name}.onnx`),
  'onnx-mlir/docs/mnist_example/mnist.onnx',
  'onnx2c/test/mnist/pytorch.onnx',
  'onnx2c/test/simple_networks/conv_2ch_3kernels_randombias.onnx',
  'onnx2c/test/simple_networks/conv_k2_maxpool_k2.onnx',
  'onnx2c/test/velardo/lesson9.onnx',
  'tract/onnx/test_cases/averagepool_count_include_pad/model.onnx',
  'wonnx/single_relu.onnx',
];

/** Half a minute and more. */
export const encryptedSlow: readonly string[] = [
  'he-man-tenseal/demo/mnist/mnist.onnx',
  'he-man-tenseal/evaluation/cryptonets_square.onnx',
  'he-man-tenseal/evaluation/mobilefacenets.onnx',
  'onnx2c/examples/atmega_mnist/mnist.simplified.onnx',
  'tract/examples/keras-tract-tf2/example.onnx',
];

/** The operators of a file. */
export function operatorsOf(folder: string, file: string): string[] {
  const model = onnxProto.onnx.ModelProto.decode(readFileSync(path.join(folder, file)));
  return model.graph?.node?.map(({ opType }) => opType ?? '') ?? [];
}
