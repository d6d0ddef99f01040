/** Whole networks on real MNIST test images, on ciphertexts, through the command line. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { example } from '../cli/commands/example-plans.ts';
import { cipherloom } from '../cli/spawn-program.ts';
import { dataPath } from '../support/data.ts';
import { mnistTestFiles } from '../support/mnist.ts';
import type { DigitPadding } from '../support/mnist.ts';

const heMan = dataPath('onnx', 'he-man-tenseal');
const hour = 3_600_000;

/** What was measured stays behind, for closing notes: one JSON object a line. */
function recordFigures(figures: Readonly<Record<string, unknown>>): void {
  const results = join(import.meta.dirname, '../../test-results');
  mkdirSync(results, { recursive: true });
  appendFileSync(join(results, 'acceptance.jsonl'), `${JSON.stringify(figures)}\n`);
}

interface RunJson {
  readonly images: number;
  readonly batch: number;
  readonly accuracy: number;
  readonly agreement: number;
  readonly agreementProgram: number;
  readonly precisionBits: { readonly worst: number };
  readonly parameters: { readonly securityBits: number; readonly insecure?: boolean };
  readonly peakMemoryBytes: number;
}

describe.skipIf(heMan === null)('networks on MNIST test images (needs the data folder)', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom-acceptance-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function compileAndRun(
    model: string,
    images: number,
    options: {
      readonly compile?: readonly string[];
      readonly run?: readonly string[];
      readonly padding?: DigitPadding;
    } = {},
  ): Promise<RunJson> {
    const files = mnistTestFiles(images, options.padding);
    if (files === null) throw new Error('the data folder is there');
    const [input, labels, plan] = [
      join(folder, 'x.npy'),
      join(folder, 'y.npy'),
      join(folder, 'plan'),
    ];
    writeFileSync(input, files.images);
    writeFileSync(labels, files.labels);
    const compiled = await cipherloom(
      'compile',
      model,
      '-o',
      plan,
      '--json',
      ...(options.compile ?? []),
    );
    expect(compiled.status, compiled.stderr).toBe(0);
    const ran = await cipherloom(
      'run',
      plan,
      '--input',
      input,
      '--labels',
      labels,
      '--model',
      model,
      '--json',
      ...(options.run ?? []),
    );
    expect(ran.status, ran.stderr).toBe(0);
    const result = JSON.parse(ran.stdout) as RunJson;
    expect(result.images).toBe(images);
    recordFigures({ model, ...result, outputs: undefined });
    return result;
  }

  const calibrated = ['--calibration', example('calibration.npy')];

  test.each([
    { network: 'lola', images: 100, options: [], agreement: 1 },
    { network: 'lola', images: 100, options: calibrated, agreement: 1 },
    { network: 'lenet', images: 20, options: [], agreement: 1 },
    { network: 'relu', images: 50, options: calibrated, agreement: 0.98 },
  ])(
    '$network agrees on $images images',
    { timeout: hour },
    async ({ network, images, options, agreement }) => {
      const result = await compileAndRun(example(`${network}.onnx`), images, { compile: options });
      expect(result.agreementProgram).toBe(1);
      expect(result.agreement).toBeGreaterThanOrEqual(agreement);
      expect(result.precisionBits.worst).toBeGreaterThanOrEqual(10);
      expect(result.parameters.securityBits).toBeGreaterThanOrEqual(128);
      expect(result.peakMemoryBytes).toBeLessThanOrEqual(4 * 2 ** 30);
    },
  );

  test('relu keeps its accuracy on 1,000 images in the clear', { timeout: hour }, async () => {
    const result = await compileAndRun(example('relu.onnx'), 1000, {
      compile: calibrated,
      run: ['--backend', 'clear'],
    });
    // The original answers 991 of these 1,000 rightly.
    expect(result.accuracy).toBeGreaterThanOrEqual(0.991 - 0.015);
  });

  test.each<{ readonly model: string; readonly padding: DigitPadding }>([
    { model: 'demo/mnist/mnist.onnx', padding: 0 },
    { model: 'evaluation/cryptonets_square.onnx', padding: 2 },
    { model: 'evaluation/lenet5_square.onnx', padding: 2 },
  ])(
    '$model of he-man-tenseal agrees on 20 images',
    { timeout: hour },
    async ({ model, padding }) => {
      const result = await compileAndRun(join(heMan ?? '', model), 20, { padding });
      expect(result.agreement).toBe(1);
      expect(result.agreementProgram).toBe(1);
    },
  );

  test(
    'a throughput plan of lola answers 4,096 images in one execution',
    { timeout: hour },
    async () => {
      const result = await compileAndRun(example('lola.onnx'), 4096, {
        compile: [...calibrated, '--objective', 'throughput'],
      });
      expect(result.batch).toBeGreaterThanOrEqual(2048);
      expect(result.agreement).toBe(1);
    },
  );
});
