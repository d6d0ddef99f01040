/** The ReLU networks of docs/relu-networks.md, none of them trained for encryption. */
import { fileURLToPath } from 'node:url';
import { dataPath } from '../support/data.ts';
import type { DigitForm } from '../support/mnist.ts';

export interface ReluNetwork {
  readonly name: string;
  /** Null where the data folder is absent. */
  readonly file: string | null;
  readonly form: DigitForm;
  /** Points of agreement on the calibration images that its polynomials may cost. */
  readonly budget: number;
  /** Bits of precision that the plan is asked for. */
  readonly precisionBits: number;
}

const heMan = (...path: string[]): string | null => dataPath('onnx', 'he-man-tenseal', ...path);

export const reluNetworks: readonly ReluNetwork[] = [
  {
    name: 'relu',
    file: fileURLToPath(new URL('../../examples/mnist/relu.onnx', import.meta.url)),
    form: { side: 28, white: 1 },
    // With 0.5, other images lose up to 0.7.
    budget: 0.35,
    precisionBits: 10,
  },
  {
    name: 'cryptonets',
    file: heMan('evaluation', 'cryptonets.onnx'),
    form: { side: 32, white: 255 },
    // The least that degrees up to 31 lose is 0.54.
    budget: 0.55,
    precisionBits: 10,
  },
  {
    name: 'lenet5',
    file: heMan('evaluation', 'lenet5.onnx'),
    form: { side: 32, white: 1 },
    // The search comes to 0.59 in its work.
    budget: 0.6,
    // Seventeen levels leave 9.0 at N = 2^15.
    precisionBits: 8,
  },
  {
    name: 'mnist_small_relu',
    file: heMan('tests', 'models-approximated', 'mnist_small_relu.onnx'),
    form: { side: 28, white: 255 },
    budget: 0.8,
    precisionBits: 10,
  },
  {
    name: 'atmega_mnist',
    file: dataPath('onnx', 'onnx2c', 'examples', 'atmega_mnist', 'mnist.simplified.onnx'),
    form: { side: 14, white: 255 },
    budget: 1.3,
    precisionBits: 10,
  },
];

/** Training images that polynomials are fitted to and measured on. */
export const calibrationImages = 2048;
/** Test images that are simulated with noise, and those of them that are encrypted. */
export const simulatedImages = 1000;
export const encryptedImages = 100;
