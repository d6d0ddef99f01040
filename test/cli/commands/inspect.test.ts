import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeModel } from '../../support/onnx-model.ts';
import { cipherloom, errorOf, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();

test('inspect says what a model holds', async () => {
  const json = jsonOf(await cipherloom('inspect', example('relu.onnx'), '--json'));
  expect(json).toMatchObject({
    file: example('relu.onnx'),
    name: 'relu',
    inputs: [{ name: 'image', shape: [1, 1, 28, 28], range: [0, 1] }],
    outputs: [{ name: 'logits', shape: [1, 10] }],
    operators: { BatchNormalization: 2, Conv: 2, Flatten: 1, Gemm: 1, Relu: 2 },
    supported: true,
    unsupported: [],
  });
  expect(json.multiplicativeDepth).toBeGreaterThanOrEqual(6);
  expect(json).toMatchObject({ infeasible: null, estimate: { ringDegree: 16384, levels: 7 } });
  const text = await cipherloom('inspect', example('relu.onnx'));
  expect(text.stdout).toMatch(/^Works with --calibration X\.npy: /);
  expect(text.stdout.trim().split('\n').length).toBeLessThanOrEqual(40);
  for (const line of text.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  expect(text.stdout).toMatch(/ {2}cipherloom compile .* -o plan --calibration X\.npy\n/);
});

test('inspect lists every node that cannot be compiled, exit status 4', async () => {
  const file = join(folder(), 'unsupported.onnx');
  const model = encodeModel({
    inputs: { x: [1, 4] },
    outputs: ['y'],
    nodes: [
      { op: 'LSTM', inputs: ['x'], outputs: ['a'], name: 'first' },
      { op: 'Fizz', domain: 'example.org', inputs: ['a'], outputs: ['y'], name: 'second' },
    ],
    valueInfo: { a: [1, 4] },
  });
  writeFileSync(file, model);
  const { status, stdout, stderr } = await cipherloom('inspect', file, '--json');
  expect({ status, stderr }).toEqual({ status: 4, stderr: '' });
  const json = JSON.parse(stdout) as { unsupported: Record<string, unknown>[] };
  expect(json).toMatchObject({ supported: false, multiplicativeDepth: null, parameters: null });
  expect(json.unsupported).toMatchObject([
    { name: 'first', operator: 'LSTM' },
    { name: 'second', operator: 'example.org.Fizz' },
  ]);
  for (const part of json.unsupported) expect(part.reason).toMatch(/\w/);

  const text = await cipherloom('inspect', file);
  expect(text.status).toBe(4);
  expect(text.stdout).toMatch(/^Does not work: 2 parts /);
});

test('inspect refuses what is no model, exit status 3', async () => {
  const file = join(folder(), 'no model.onnx');
  writeFileSync(file, '\n');
  expect(await errorOf('inspect', file)).toMatchObject({ status: 3, code: 'MODEL_INVALID' });
  expect(await errorOf('inspect', folder())).toMatchObject({
    status: 3,
    code: 'FILE_UNREADABLE',
  });
});
test('inspect lists nodes that only a pass refuses, with what to do', async () => {
  const model = join(folder(), 'pool.onnx');
  writeFileSync(
    model,
    encodeModel({
      inputs: { x: [1, 1, 4, 4] },
      outputs: ['y'],
      nodes: [
        {
          op: 'MaxPool',
          inputs: ['x'],
          outputs: ['y'],
          name: 'pool',
          attributes: { kernel_shape: [2, 2] },
        },
      ],
    }),
  );
  const ended = await cipherloom('inspect', model);
  expect(ended.status).toBe(0);
  expect(ended.stdout).toMatch(/^Works with --max-pool average: /);
  expect(ended.stdout).toContain('1 MaxPool (pool): ');
  expect(ended.stdout).toContain('nn.AvgPool2d(2)');
});

test('inspect with the data of compile reports what compile reports', async () => {
  const words = [example('lola.onnx'), '--calibration', example('calibration.npy'), '--json'];
  const { verdict, estimate } = jsonOf(await cipherloom('inspect', ...words));
  const compiled = jsonOf(await cipherloom('compile', ...words, '-o', join(folder(), 'plan')));
  expect(verdict).toBe('works');
  // Two digits of it stand on the page.
  const seconds = Number((compiled.modelledSeconds as number).toPrecision(2));
  const { stdout } = await cipherloom('inspect', ...words.slice(0, 3));
  const [, value, unit] = /^Works: about ([\d.]+) (m?s) an image/.exec(stdout) ?? [];
  expect(Number(value) * (unit === 'ms' ? 1e-3 : 1)).toBeCloseTo(seconds, 9);
  const shared = ['precisionBits', 'keyBytes', 'residentKeyBytes', 'rotationKeys', 'operations'];
  for (const name of shared) {
    expect((estimate as Record<string, unknown>)[name]).toEqual(compiled[name]);
  }
});

test('the next command repeats what was typed', async () => {
  const words = ['--input-range', '0,1', '--batch', '4', '--precision-bits', '10'];
  const { stdout } = await cipherloom('inspect', example('lola.onnx'), ...words);
  const last = stdout.trim().split('\n').at(-1)!;
  expect(last).toMatch(/^ {2}cipherloom compile /);
  for (const option of ['--input-range 0,1', '--batch 4', '--precision-bits 10', '-o plan']) {
    expect(last).toContain(option);
  }
});

test('an open shape: the flag that fixes it, in the verdict and in the next command', async () => {
  const model = join(folder(), 'open.onnx');
  writeFileSync(
    model,
    encodeModel({
      inputs: { x: ['batch', 'length'] },
      outputs: ['y'],
      nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'], name: 'square' }],
    }),
  );
  const open = await cipherloom('inspect', model);
  expect(open.status).toBe(4);
  expect(open.stdout).toMatch(/^Does not work yet: .* --input-shape x=1,N/);
  const fixed = await cipherloom('inspect', model, '--input-shape', 'x=1,8');
  expect(fixed).toMatchObject({ status: 0 });
  expect(fixed.stdout).toMatch(/^Works: /);
});
