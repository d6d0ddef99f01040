/** ONNX files made by others, and how each is compiled: what `docs/models.md` is about. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { dataPath } from '../support/data.ts';

/** What a file needs, as the manifest of the data says. */
export type ModelKind = 'HE-friendly' | 'activations' | 'MaxPool' | 'unsupported';

export interface ModelCase {
  /** Path inside the folder. */
  readonly file: string;
  readonly kind: ModelKind;
  /** Range of the inputs, for calibration and for the comparison. */
  readonly range: readonly [number, number];
}

export const modelFolder = dataPath('onnx');

/** Ranges of inputs that are not in 0…1: pixels, normalised pixels, angles, centred features. */
const ranges: readonly (readonly [pattern: RegExp, range: readonly [number, number]])[] = [
  // ImageNet's mean and deviation.
  [/^ace\//, [-2.12, 2.64]],
  [/mnist\/model|MNIST\/mnist|opt-mnist|atmega_mnist|cryptonets\.onnx|small_relu/, [0, 255]],
  [/mnist_example/, [-0.43, 2.83]],
  [/tfl_helloworld/, [0, 6.28]],
  [/relu\.onnx|velardo/, [-1, 1]],
];

/** The files of the manifest outside the conformance suite, in order. Throws where a row is missing. */
export function modelCases(folder: string): ModelCase[] {
  const manifest = readFileSync(path.join(folder, '../MANIFEST.md'), 'utf8');
  const rows = new Map(
    manifest.split('\n').flatMap((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      return cells.length === 11 ? [[cells[1]!, cells[8]!] as const] : [];
    }),
  );
  return globSync('**/*.onnx', { cwd: folder })
    .filter((file) => !file.startsWith('onnx-backend-'))
    .sort()
    .map((file) => {
      const text = rows.get(file);
      if (text === undefined) throw new Error(`${file} is not in the manifest`);
      const range = ranges.find(([pattern]) => pattern.test(file))?.[1] ?? [0, 1];
      return { file, kind: kindOf(text), range };
    });
}

function kindOf(text: string): ModelKind {
  if (text === 'HE-friendly') return 'HE-friendly';
  if (text.startsWith('activations')) return 'activations';
  return text.startsWith('MaxPool') ? 'MaxPool' : 'unsupported';
}
