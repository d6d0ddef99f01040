import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openNpz } from '../../../src/frontend/npy/read-npz.ts';
import { cipherloom } from '../spawn-program.ts';
import { errorOf, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();
const relu = ['export-torch', example('relu.onnx'), '--calibration', example('calibration.npy')];
const output = () => join(folder(), 'relu.py');
let json: Record<string, unknown>;
beforeAll(async () => {
  json = jsonOf(await cipherloom(...relu, '-o', output(), '--activation-degree', '2', '--json'));
});

describe('export-torch', () => {
  test('writes the module and its weights', () => {
    const archive = join(folder(), 'relu.npz');
    expect(json).toMatchObject({
      output: output(),
      weights: archive,
      batched: true,
      polynomials: 2,
      approximations: [
        { node: '/relu1/Relu', op: 'relu', degree: 2 },
        { node: '/relu2/Relu', op: 'relu', degree: 2 },
      ],
    });
    const source = readFileSync(output(), 'utf8');
    expect(source.match(/^ +self\.\w+ = Polynomial\(/gm)).toHaveLength(2);
    const npz = openNpz(readFileSync(archive), archive);
    const elements = npz.names.reduce((sum, name) => sum + npz.read(name).data.length, 0);
    expect(json['weightBytes']).toBe(4 * elements);
    for (const name of npz.names) expect(source).toContain(`w["${name}"]`);
  });

  test('the same model gives the same bytes', async () => {
    const again = join(folder(), 'again.py');
    jsonOf(await cipherloom(...relu, '-o', again, '--activation-degree', '2', '--json'));
    expect(readFileSync(again)).toEqual(readFileSync(output()));
    expect(readFileSync(join(folder(), 'again.npz'))).toEqual(
      readFileSync(join(folder(), 'relu.npz')),
    );
  });

  test('refuses a name that Python does not import, and its own model', async () => {
    const words = [...relu, '--output'];
    const other = join(folder(), 'relu.pt');
    expect(await errorOf(...words, other)).toMatchObject({
      status: 2,
      code: 'USAGE',
      hint: `--output ${other}.py`,
    });
    expect(existsSync(other)).toBe(false);
    const calibration = join(folder(), 'relu.npz');
    expect(
      await errorOf(
        'export-torch',
        example('relu.onnx'),
        '--calibration',
        calibration,
        '-o',
        output(),
      ),
    ).toMatchObject({ status: 2, code: 'USAGE' });
  });
});
