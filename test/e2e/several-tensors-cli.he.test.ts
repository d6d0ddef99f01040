/** A model of three inputs, one of them public, and three outputs through every command that touches them. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';
import { formatNpz } from '../../src/frontend/npy/write-npz.ts';
import { readNpz } from '../../src/index.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { errorOf, jsonOf, temporaryFolder } from '../cli/commands/example-plans.ts';
import { cipherloom } from '../cli/spawn-program.ts';
import { encodeModel, filled } from '../support/onnx-model.ts';
import { runOnnx } from '../support/onnxruntime.ts';
import { randomSource, randomValues } from '../support/random.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder(), name);
const random = randomSource(9);
const images = 3;

const shapes = { image: [1, 1, 4, 4], extra: [1, 3], prior: [1, 5] } as const;
const model = encodeModel({
  inputs: shapes,
  outputs: ['scores', 'inner', 'again'],
  initializers: {
    a: filled([16, 5], random, -0.5, 0.5),
    b: filled([3, 5], random, -0.5, 0.5),
    c: filled([5, 4], random, -0.5, 0.5),
  },
  nodes: [
    { op: 'Flatten', inputs: ['image'], outputs: ['flat'] },
    { op: 'MatMul', inputs: ['flat', 'a'], outputs: ['x'] },
    { op: 'MatMul', inputs: ['extra', 'b'], outputs: ['e'] },
    { op: 'Mul', inputs: ['x', 'prior'], outputs: ['weighted'] },
    { op: 'Add', inputs: ['weighted', 'e'], outputs: ['inner'] },
    { op: 'Mul', inputs: ['inner', 'inner'], outputs: ['square'] },
    { op: 'MatMul', inputs: ['square', 'c'], outputs: ['scores'] },
    { op: 'Identity', inputs: ['inner'], outputs: ['again'] },
  ],
});
const data = new Map(
  Object.entries(shapes).map(([name, shape]) => [
    name,
    Float32Array.from(randomValues(random, images * elementCount(shape), 0, 1)),
  ]),
);

/** The arrays as np.savez writes them: [images, …]. */
const arrays = (...names: readonly string[]) =>
  new Map(
    names.map((name) => {
      const shape = shapes[name as keyof typeof shapes];
      return [name, { shape: [images, ...shape.slice(1)], data: data.get(name)! }] as const;
    }),
  );

beforeAll(async () => {
  writeFileSync(at('model.onnx'), model);
  writeFileSync(at('all.npz'), formatNpz(arrays('image', 'extra', 'prior')));
  writeFileSync(at('secret.npz'), formatNpz(arrays('image', 'extra')));
  writeFileSync(at('prior.npy'), formatNpy(arrays('prior').get('prior')!));
  jsonOf(
    await cipherloom(
      ...['compile', at('model.onnx'), '-o', at('plan'), '--input-range', '0,1'],
      ...[
        '--input-range',
        'prior=-0.5,1',
        '--public-input',
        'prior',
        '--calibration',
        at('all.npz'),
        '--json',
      ],
    ),
  );
  // A client holds client.json, a server model.loom: each works with its own file alone.
  for (const [side, file] of [
    ['client', 'client.json'],
    ['server', 'model.loom'],
  ] as const) {
    cpSync(join(at('plan'), file), join(at(side), file), { recursive: true });
  }
});

/** ONNX Runtime's answer for one image, by output. */
async function reference(image: number): Promise<Map<string, number[]>> {
  const inputs = Object.entries(shapes).map(([name, shape]) => {
    const each = elementCount(shape);
    const own = data.get(name)!.subarray(image * each, (image + 1) * each);
    return [name, { shape, data: own }] as const;
  });
  const answers = await runOnnx(model, new Map(inputs));
  return new Map([...answers].map(([name, answer]) => [name, [...answer.data]]));
}

async function expectAnswers(file: string): Promise<void> {
  const results = readNpz(readFileSync(file));
  expect([...results.keys()]).toEqual(['scores', 'inner', 'again']);
  for (let image = 0; image < images; image++) {
    for (const [name, expected] of await reference(image)) {
      const { shape, data: got } = results.get(name)!;
      expect(shape).toEqual([images, expected.length]);
      expected.forEach((value, k) => {
        expect(got[image * expected.length + k]).toBeCloseTo(value, 3);
      });
    }
  }
}

describe('a plan of several inputs and outputs, one input public', () => {
  test('keygen, encrypt, evaluate, decrypt apart', { timeout: 300_000 }, async () => {
    const { publicInputs } = JSON.parse(
      readFileSync(join(at('client'), 'client.json'), 'utf8'),
    ) as {
      readonly publicInputs: unknown;
    };
    expect(publicInputs).toEqual([{ name: 'prior', shape: [1, 5], range: [-0.5, 1] }]);
    await cipherloom('keygen', at('client'), '--out', at('keys'), '--json');
    const request = jsonOf(
      await cipherloom(
        ...['encrypt', at('client'), '--keys', at('keys')],
        ...['--input', at('secret.npz'), '--out', at('x.ct'), '--json'],
      ),
    );
    expect(request['images']).toBe(images);
    const evaluate = ['evaluate', at('server'), '--input', at('x.ct'), '--out', at('y.ct')];
    const keys = ['--evaluation-keys', join(at('keys'), 'evaluation.keys')];
    const missing = await errorOf(...evaluate, ...keys);
    expect(missing.status).toBe(2);
    expect(missing.message).toContain('"prior"');
    const known = ['--public-input', `prior=${at('prior.npy')}`];
    expect((await cipherloom(...evaluate, ...keys, ...known)).status).toBe(0);
    jsonOf(
      await cipherloom(
        ...['decrypt', at('client'), '--keys', at('keys')],
        ...['--input', at('y.ct'), '--output', at('y.npz'), '--json'],
      ),
    );
    await expectAnswers(at('y.npz'));
  });

  test('run and verify take both kinds of inputs', { timeout: 300_000 }, async () => {
    const run = jsonOf(
      await cipherloom(
        ...['run', at('plan'), '--input', at('all.npz'), '--output', at('run.npz')],
        ...['--model', at('model.onnx'), '--json'],
      ),
    );
    expect(run['images']).toBe(images);
    expect(run['agreementReference']).toMatch(/^onnxruntime/);
    await expectAnswers(at('run.npz'));
    const verified = jsonOf(
      await cipherloom(
        ...['verify', at('plan'), '--model', at('model.onnx'), '--input', at('secret.npz')],
        ...['--input', `prior=${at('prior.npy')}`, '--min-precision-bits', '10', '--json'],
      ),
    ) as { readonly precisionBits: { readonly worst: number } };
    expect(verified.precisionBits.worst).toBeGreaterThan(10);
  });

  test('bench makes inputs of both kinds', { timeout: 300_000 }, async () => {
    const bench = jsonOf(await cipherloom('bench', at('plan'), '--runs', '1', '--json'));
    expect(bench).toMatchObject({ executions: 1 });
  });
});

describe('what is refused', () => {
  const run = (...words: readonly string[]) => errorOf('run', at('plan'), ...words);

  test('several outputs into one array', async () => {
    const error = await run('--input', at('all.npz'), '--output', at('y.npy'));
    expect(error).toMatchObject({ status: 2, hint: `--output ${at('y')}.npz` });
  });

  test('an archive without an input', async () => {
    const error = await run('--input', at('secret.npz'));
    expect(error.status).toBe(2);
    expect(error.message).toContain('"prior"');
  });

  test('two ranges for one input, and a range for none', async () => {
    const compile = (...ranges: readonly string[]) =>
      errorOf(
        ...['compile', at('model.onnx'), '-o', at('other')],
        ...ranges.flatMap((range) => ['--input-range', range]),
      );
    expect(await compile('0,1', '0,2')).toMatchObject({ status: 2, code: 'USAGE' });
    expect(await compile('image=0,1', 'image=0,2')).toMatchObject({ status: 2, code: 'USAGE' });
    expect(await compile('nobody=0,1')).toMatchObject({ status: 2, code: 'USAGE' });
  });

  test('the name of no input', async () => {
    const words = ['compile', at('model.onnx'), '-o', at('other'), '--public-input', 'nobody'];
    expect(await errorOf(...words)).toMatchObject({ status: 2, code: 'USAGE' });
  });
});
