/** verify: layer by layer on ciphertexts, and where the first error comes from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readNpy } from '../../../src/index.ts';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';
import { encryptedBackends } from '../../support/backends.ts';
import { cipherloom } from '../spawn-program.ts';
import {
  compileLola,
  example,
  insecureParameters,
  jsonOf,
  temporaryFolder,
} from './example-plans.ts';

const folder = temporaryFolder();
const plan = () => join(folder(), 'plan');
beforeAll(async () => {
  await compileLola(plan(), ...insecureParameters);
});

interface LayerJson {
  readonly node: string;
  readonly approximation: number;
  readonly rangeEscape: number;
  readonly measured: number;
  readonly predicted: number;
  readonly total: number;
}

const verify = (dir: string, model: string, ...words: readonly string[]) =>
  cipherloom(
    ...['verify', dir, '--model', example(model), '--input', example('images.npy')],
    ...words,
  );

describe.each(encryptedBackends)('verify --layers on %s', (backend) => {
  test('every layer of lola: nothing but noise, and as much as predicted', async () => {
    const json = jsonOf(
      await verify(
        plan(),
        'lola.onnx',
        // Results of a layer share their errors: of few images all may happen to be small.
        ...['--insecure', '--limit', '10', '--layers', '--backend', backend, '--json'],
      ),
    );
    const layers = json['layers'] as LayerJson[];
    expect(layers.map(({ node }) => node)).toEqual([
      '/conv1/Conv',
      '/square1/Mul',
      '/dense1/Gemm',
      '/square2/Mul',
      '/dense2/Gemm',
    ]);
    for (const { node, approximation, rangeEscape, measured, predicted, total } of layers) {
      expect(approximation, node).toBeLessThan(2 ** -40);
      expect(rangeEscape, node).toBe(0);
      expect(measured / predicted, node).toBeGreaterThan(1 / 4);
      expect(measured / predicted, node).toBeLessThan(4);
      expect(total, node).toBeLessThan(2 ** -20);
    }
    expect(json).toMatchObject({ backend, firstWrongLayer: null, missed: [] });
  });
});

describe('the first layer that goes wrong', () => {
  test('exit 5 with --max-layer-error, and the layer by name', async () => {
    const { status, stdout } = await verify(
      plan(),
      'lola.onnx',
      ...['--insecure', '--limit', '2', '--max-layer-error', '1e-12'],
    );
    expect(status).toBe(5);
    expect(stdout).toContain('the first layer that goes wrong is /conv1/Conv: noise');
  });

  test('a range that was calibrated on faint images is left, and named', async () => {
    const { shape, data } = readNpy(new Uint8Array(readFileSync(example('calibration.npy'))));
    const faint = join(folder(), 'faint.npy');
    const scaled = Float32Array.from(data, (value) => value / 8);
    writeFileSync(faint, formatNpy({ shape, data: scaled }));
    const relu = join(folder(), 'relu');
    const ended = await cipherloom(
      ...['compile', example('relu.onnx'), '-o', relu, '--calibration', faint],
    );
    expect(ended.status).toBe(0);
    const { status, stdout } = await verify(
      relu,
      'relu.onnx',
      ...['--limit', '4', '--max-layer-error', '0.9', '--backend', 'clear', '--json'],
    );
    expect(status).toBe(5);
    const json = JSON.parse(stdout) as {
      firstWrongLayer: unknown;
      rangeEscapes: { node: string; escaped: number; predicted: number }[];
    };
    // The range of the first activation is proved; that of the second comes from the images.
    expect(json.firstWrongLayer).toMatchObject({ node: '/relu2/Relu', cause: 'range escape' });
    const [first, second] = json.rangeEscapes;
    expect(first).toMatchObject({ node: '/relu1/Relu', escaped: 0 });
    expect(second?.node).toBe('/relu2/Relu');
    expect(second?.escaped).toBeGreaterThan(0);
    expect(second?.predicted).toBeGreaterThan(0.01);
  });
});
