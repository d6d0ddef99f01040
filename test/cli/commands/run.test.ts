import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { npyNumbers, readNpyFile } from '../../../src/frontend/npy/read-npy.ts';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';
import {
  cipherloom,
  compileLola,
  errorOf,
  example,
  insecureParameters,
  jsonOf,
  temporaryFolder,
} from './example-plans.ts';

const folder = temporaryFolder();
const plan = () => join(folder(), 'plan');
beforeAll(async () => {
  await compileLola(plan());
});

const images = example('images.npy');
const clear = (...words: readonly string[]) => [
  'run',
  plan(),
  '--backend',
  'clear',
  ...(words.includes('--input') ? [] : ['--input', images]),
  ...words,
];

/** An image file of one image whose element `index` is `value`. */
function oddImage(name: string, index: number, value: number): string {
  const path = join(folder(), name);
  const data = new Float32Array(784);
  data[index] = value;
  writeFileSync(path, formatNpy({ shape: [1, 1, 28, 28], data }));
  return path;
}

describe('run --backend clear', () => {
  test('has every field of the object, absent figures as null', async () => {
    const json = jsonOf(
      await cipherloom(...clear('--labels', example('labels.npy'), '--threads', '8', '--json')),
    );
    expect(Object.keys(json)).toEqual([
      'backend',
      'backendReason',
      'target',
      'threads',
      'batch',
      'images',
      'accuracy',
      'accuracyReference',
      'accuracyProgram',
      'agreement',
      'agreementReference',
      'agreementProgram',
      'outputs',
      'precisionBits',
      'timingsMs',
      'keyBytes',
      'residentKeyBytes',
      'inputCiphertextBytes',
      'outputCiphertextBytes',
      'peakMemoryBytes',
      'parameters',
      'approximations',
      'planHash',
      'warnings',
    ]);
    expect(json).toMatchObject({
      backend: 'clear',
      target: 'portable',
      batch: 1,
      images: 20,
      accuracy: 1,
      accuracyReference: null,
      accuracyProgram: 1,
      agreement: 1,
      agreementReference: 'the plan in the clear',
      agreementProgram: 1,
      precisionBits: { worst: null, mean: null },
      timingsMs: { keygen: null, encrypt: [], decrypt: [] },
      approximations: [],
    });
    const { evaluate } = json.timingsMs as { evaluate: number[] };
    expect(evaluate).toHaveLength(20);
    const { logits } = json.outputs as { logits: number[][] };
    expect(logits.map((row) => row.length)).toEqual(Array(20).fill(10));
    expect(Object.keys(json.parameters as object)).toEqual([
      'ringDegree',
      'logQP',
      'securityBits',
      'levels',
      'primes',
      'specialPrimes',
    ]);
  });

  test('compares with the original model, and writes the results', async () => {
    const output = join(folder(), 'logits.npy');
    const words = clear('--model', example('lola.onnx'), '--limit', '3', '--output', output);
    const json = jsonOf(await cipherloom(...words, '--json'));
    expect(json).toMatchObject({ images: 3, accuracy: null, agreement: 1 });
    expect(json.agreementReference).toMatch(/^onnxruntime-web \d/);
    const written = readNpyFile(output);
    expect(written.shape).toEqual([3, 10]);
    const { logits } = json.outputs as { logits: number[][] };
    expect([...npyNumbers(written, output)]).toEqual(logits.flat());
  });

  test('shows answers and figures as text', async () => {
    const words = clear('--labels', example('labels.npy'), '--limit', '12', '--quiet');
    const { status, stdout } = await cipherloom(...words);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {4}0 {2}7 +right {2}7 /m);
    expect(stdout).toMatch(/^… and 2 more$/m);
    expect(stdout).toMatch(/^accuracy +100 %$/m);
  });

  test.each([
    ['[K, features]', [2, 784]],
    ['[K, H, W]', [2, 28, 28]],
    ['one image', [28, 28]],
  ])('takes %s', async (_, shape) => {
    const input = join(folder(), 'shaped.npy');
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    writeFileSync(input, formatNpy({ shape, data }));
    const json = jsonOf(await cipherloom(...clear('--input', `image=${input}`, '--json')));
    expect(json.images).toBe(data.length / 784);
  });
});

describe('run refuses', () => {
  test.each([
    ['NaN', NaN, 'not a finite number'],
    ['infinity', Infinity, 'not a finite number'],
    ['1e30', 1e30, 'outside the declared range [0, 1]'],
    ['1.01', 1.01, 'outside the declared range [0, 1]'],
  ])('an input of %s, by name and index', async (name, value, reason) => {
    const error = await errorOf(...clear('--input', oddImage(`${name}.npy`, 57, value)));
    expect(error).toMatchObject({
      status: 3,
      code: 'INPUT_INVALID',
      node: 'image',
      details: { index: 57 },
    });
    expect(error.message).toContain(reason);
  });

  test('an input of another shape, or that is absent', async () => {
    const input = join(folder(), 'rows.npy');
    writeFileSync(input, formatNpy({ shape: [2, 785], data: new Float32Array(1570) }));
    expect(await errorOf(...clear('--input', input))).toMatchObject({
      status: 3,
      code: 'INPUT_INVALID',
      details: { file: input, got: [2, 785], expected: [1, 1, 28, 28] },
    });
    const absent = join(folder(), 'absent.npy');
    expect(await errorOf(...clear('--input', absent))).toMatchObject({
      status: 3,
      code: 'FILE_UNREADABLE',
    });
    expect(await errorOf('run', plan())).toMatchObject({ status: 2, node: '--input' });
  });

  test('labels that do not fit', async () => {
    expect(await errorOf(...clear('--labels', images))).toMatchObject({
      status: 3,
      code: 'DATA_INVALID',
    });
    const few = join(folder(), 'few.npy');
    writeFileSync(few, formatNpy({ shape: [3], data: BigInt64Array.of(1n, 2n, 3n) }));
    expect(await errorOf(...clear('--labels', few))).toMatchObject({
      status: 3,
      code: 'DATA_INVALID',
    });
  });

  test('to write over an input', async () => {
    const own = join(folder(), 'own.npy');
    cpSync(images, own);
    expect(await errorOf(...clear('--input', own, '--output', own))).toMatchObject({
      status: 2,
      code: 'USAGE',
    });
    expect(readFileSync(own)).toEqual(readFileSync(images));
  });

  test('a folder that is no plan', async () => {
    expect(await errorOf('run', folder(), '--input', images)).toMatchObject({
      status: 3,
      code: 'FILE_UNREADABLE',
    });
  });

  test('a plan whose files are from two compilations, or damaged', async () => {
    const mixed = join(folder(), 'mixed');
    const other = join(folder(), 'other');
    await compileLola(other, '--precision-bits', '18');
    cpSync(plan(), mixed, { recursive: true });
    cpSync(join(other, 'client.json'), join(mixed, 'client.json'));
    const run = () => errorOf('run', mixed, '--input', images, '--backend', 'clear');
    expect(await run()).toMatchObject({ status: 3, code: 'PLAN_MISMATCH' });

    cpSync(join(plan(), 'client.json'), join(mixed, 'client.json'));
    const bytes = readFileSync(join(plan(), 'model.loom'));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(mixed, 'model.loom'), bytes);
    expect(await run()).toMatchObject({ status: 3, code: 'PLAN_INVALID' });
  });

  test('an insecure plan, unless --insecure is given', async () => {
    const insecure = join(folder(), 'insecure');
    await compileLola(insecure, ...insecureParameters);
    const words = ['run', insecure, '--input', images, '--limit', '1', '--backend', 'clear'];
    expect(await errorOf(...words)).toMatchObject({ status: 6, code: 'PARAMETERS_INSECURE' });
    const json = jsonOf(await cipherloom(...words, '--insecure', '--json'));
    expect((json.parameters as { securityBits: number }).securityBits).toBeLessThan(128);

    for (const command of ['check', 'bench']) {
      expect(await errorOf(command, insecure)).toMatchObject({ status: 6 });
    }
    const checked = jsonOf(await cipherloom('check', insecure, '--insecure', '--json'));
    expect(checked).toMatchObject({ ok: true, insecure: true });
    expect(
      await cipherloom('check', insecure, '--insecure', '--min-security', '128'),
    ).toMatchObject({
      status: 5,
    });

    // A plan that hides its stamp is found out by its primes.
    const lying = readFileSync(join(insecure, 'client.json'), 'utf8');
    writeFileSync(
      join(insecure, 'client.json'),
      lying.replace('"insecure": true', '"insecure": false'),
    );
    expect(await errorOf(...words, '--insecure')).toMatchObject({
      status: 6,
      code: 'PARAMETERS_INSECURE',
      details: { ringDegree: 4096, limit: 106 },
    });
  });
});
