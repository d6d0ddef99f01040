/** The pages whose blocks run, what their folders hold at the start, and in which tier they run. */
import { globSync } from 'node:fs';
import path from 'node:path';
import { copyCheckout } from './copy-checkout.ts';
import { writeDigits } from './write-digits.ts';

export const root = path.join(import.meta.dirname, '../../..');

export interface PageSetup {
  /** `he` pages run in `npm test`, and share a minute; `full` pages in `npm run test:full`. */
  readonly tier: 'he' | 'full';
  /** Files and folders of the checkout, by the name they have in the page's folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the page takes for granted and `files` cannot give. */
  readonly make?: (folder: string) => void;
  /** A shell command that runs first. */
  readonly before?: string;
}

const network = (name: string, as = 'model.onnx') => ({
  [as]: `examples/mnist/${name}.onnx`,
  'images.npy': 'examples/mnist/images.npy',
  'labels.npy': 'examples/mnist/labels.npy',
  'calibration.npy': 'examples/mnist/calibration.npy',
});
const checkout = { bin: 'bin', examples: 'examples' };

const setups: Readonly<Record<string, PageSetup>> = {
  'README.md': { tier: 'he', files: checkout },
  'docs/calibrate.md': {
    tier: 'he',
    files: {
      'model.onnx': 'examples/mnist/relu.onnx',
      'images.npy': 'examples/mnist/calibration.npy',
    },
  },
  'docs/check.md': {
    tier: 'he',
    files: { ...checkout, ...network('lola') },
    before: 'cipherloom compile model.onnx -o plan/',
  },
  'docs/export-torch.md': {
    tier: 'full',
    files: {
      'model.onnx': 'examples/mnist/relu.onnx',
      'images.npy': 'examples/mnist/calibration.npy',
    },
  },
  'docs/from-images-to-report.md': {
    tier: 'full',
    files: network('relu'),
    make: (folder) => {
      writeDigits(path.join(folder, 'photos'));
    },
  },
  'docs/relu-networks.md': { tier: 'full', files: network('relu') },
  'docs/report.md': {
    tier: 'full',
    files: network('lola'),
    before: 'cipherloom compile model.onnx -o plan/',
  },
  'docs/service.md': {
    tier: 'full',
    files: network('lola'),
    before: 'cipherloom compile model.onnx -o plan/ --calibration calibration.npy',
  },
  'docs/verify.md': {
    tier: 'full',
    files: network('relu', 'relu.onnx'),
    before: 'cipherloom compile relu.onnx -o plan/ --calibration calibration.npy',
  },
  'docs/tutorials/first-model.md': { tier: 'he', files: checkout },
  'docs/tutorials/relu-model.md': { tier: 'full', files: checkout },
  'docs/tutorials/service.md': { tier: 'full', files: checkout },
  'docs/tutorials/ci-budget.md': { tier: 'he', files: checkout },
  'docs/tutorials/adding-an-operator.md': { tier: 'full', make: copyCheckout },
  'docs/tutorials/adding-a-pass.md': { tier: 'full', make: copyCheckout },
  'examples/filters/README.md': { tier: 'full', files: checkout },
};

/** Every page of the documentation, relative to the checkout, sorted. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...globSync(['docs/**/*.md', 'examples/*/README.md'], { cwd: root }),
].sort();

export function setupOf(page: string): PageSetup {
  return setups[page] ?? { tier: 'he' };
}

/** Pages that `setups` names. */
export const namedPages: readonly string[] = Object.keys(setups);
