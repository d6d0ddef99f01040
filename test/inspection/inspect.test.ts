/** Verdicts and figures of inspect, against what compile says for the same options. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import type { CompileRequest } from '../../src/compile.ts';
import { inspectionPage } from '../../src/cli/text/inspection-page.ts';
import { inspect } from '../../src/inspect.ts';
import { readNpy } from '../../src/read-npy.ts';
import { encodeModel, filled } from '../support/onnx-model.ts';
import type { TestModel, TestNode, TestTensor } from '../support/onnx-model.ts';
import { randomNumbers } from '../../src/passes/ranges/random.ts';

const examples = path.join(import.meta.dirname, '../../examples/mnist');
const example = (name: string) => ({ bytes: readFileSync(path.join(examples, name)), name });
const model = (given: TestModel) => ({ bytes: encodeModel(given), name: 'model' });

function calibration(): NonNullable<CompileRequest['calibration']> {
  const { data } = readNpy(readFileSync(path.join(examples, 'calibration.npy')));
  const images = Array.from({ length: 32 }, (_, n) =>
    Float64Array.from(data.subarray(784 * n, 784 * (n + 1))),
  );
  return new Map([['image', images]]);
}

/** Dense layers of four features with an activation behind each. */
function deepNetwork(layers: number, op: string): TestModel {
  const random = randomNumbers(1);
  const nodes: TestNode[] = [];
  const initializers: Record<string, TestTensor> = {};
  let x = 'x';
  for (let n = 0; n < layers; n++) {
    initializers[`w${n}`] = filled([4, 4], random, -0.5, 0.5);
    nodes.push({ op: 'MatMul', inputs: [x, `w${n}`], outputs: [`d${n}`], name: `dense${n}` });
    nodes.push({ op, inputs: [`d${n}`], outputs: [`a${n}`], name: `activation${n}` });
    x = `a${n}`;
  }
  return { inputs: { x: [1, 4] }, outputs: [x], nodes, initializers };
}

/** Convolutions of single pixels, 2^20 products each, with a ReLU behind each. */
function wideNetwork(layers: number): TestModel {
  const random = randomNumbers(3);
  const nodes: TestNode[] = [];
  const initializers: Record<string, TestTensor> = {};
  let x = 'x';
  for (let n = 0; n < layers; n++) {
    initializers[`w${n}`] = filled([8, 8, 1, 1], random, -0.5, 0.5);
    nodes.push({ op: 'Conv', inputs: [x, `w${n}`], outputs: [`c${n}`], name: `conv${n}` });
    nodes.push({ op: 'Relu', inputs: [`c${n}`], outputs: [`r${n}`], name: `relu${n}` });
    x = `r${n}`;
  }
  return { inputs: { x: [1, 8, 128, 128] }, outputs: [x], nodes, initializers };
}

describe('an output with an element in every slot', () => {
  const options = { objective: 'throughput', packing: 'feature-major' } as const;

  test('is named where ranges are calibrated', async () => {
    const found = await inspect(example('lola.onnx'), { options, calibration: calibration() });
    expect(found.estimate?.fullOutputs).toEqual(['logits']);
    const page = inspectionPage(found, {
      ...{ columns: 100, color: false, typed: 'lola.onnx' },
      ...{ precisionBits: 12, security: 128 },
    });
    expect(page.replaceAll(/\s+/g, ' ')).toContain('"logits" has an element in every slot');
  });

  test('is not where they are proved; nor is one with free slots', async () => {
    const square = { op: 'Mul', inputs: ['x', 'x'], outputs: ['y'], name: 'square' };
    const wide = model({ inputs: { x: [1, 16384] }, outputs: ['y'], nodes: [square] });
    expect((await inspect(wide)).estimate?.fullOutputs).toEqual([]);
    const lola = await inspect(example('lola.onnx'), { calibration: calibration() });
    expect(lola.estimate?.fullOutputs).toEqual([]);
  });
});

describe('the estimate is what compile reports', () => {
  const cases: readonly [string, CompileRequest][] = [
    ['lola.onnx', {}],
    ['lola.onnx', { calibration: calibration() }],
    ['lola.onnx', { calibration: calibration(), options: { precisionBits: 16, security: 192 } }],
    ['lola.onnx', { inputRanges: { image: [0, 2] }, options: { batch: 2048 } }],
    ['relu.onnx', { calibration: calibration(), options: { activationDegree: 2 } }],
  ];
  test.each(cases)('%s, case %#', async (name, request) => {
    const { verdict, estimate, needs } = await inspect(example(name), request);
    const { report, warnings } = await compile(example(name), request);
    expect({ verdict, needs }).toEqual({ verdict: 'works', needs: [] });
    const { ringDegree, logQP, levels, securityBits } = report.parameters;
    expect(estimate).toMatchObject({
      ...{ ringDegree, logQP, levels, securityBits },
      batch: report.batch,
      precisionBits: report.precisionBits,
      rotationKeys: report.rotationKeys,
      keyBytes: report.keyBytes,
      inputCiphertextBytes: report.inputCiphertextBytes,
      outputCiphertextBytes: report.outputCiphertextBytes,
      peakCiphertextBytes: report.peakCiphertextBytes,
      operations: report.operations,
      modelledSeconds: report.modelledSeconds,
      synthetic: warnings.some(({ id }) => id === 'CALIBRATION_SYNTHETIC'),
    });
  });

  test('the depth is that of the layers', async () => {
    const { layers, multiplicativeDepth } = await inspect(example('relu.onnx'));
    expect(layers.map(({ levels }) => levels)).toEqual([1, 2, 1, 2, 1]);
    expect(layers.at(-1)?.total).toBe(multiplicativeDepth);
    expect(layers.map(({ operator }) => operator)).toEqual([
      'Conv',
      'Relu',
      'Conv',
      'Relu',
      'Gemm',
    ]);
  });
});

describe('verdicts', () => {
  test('an activation needs data, which compile asks for too', async () => {
    const found = await inspect(example('relu.onnx'));
    expect(found).toMatchObject({ verdict: 'works-with-flags', supported: true, infeasible: null });
    expect(found.needs.map(({ flag }) => flag)).toEqual(['--calibration X.npy']);
    expect(found.needs[0]?.nodes).toEqual([
      { name: '/relu1/Relu', operator: 'Relu' },
      { name: '/relu2/Relu', operator: 'Relu' },
    ]);
    await expect(compile(example('relu.onnx'))).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
    });
  });

  test('a max pool needs a flag, and with it the model works', async () => {
    const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
    const pool = model({
      inputs: { x: [1, 1, 4, 4] },
      outputs: ['y'],
      nodes: [{ op: 'MaxPool', inputs: ['x'], outputs: ['y'], name: 'pool', attributes }],
    });
    const found = await inspect(pool);
    expect(found.verdict).toBe('works-with-flags');
    expect(found.needs).toMatchObject([
      {
        flag: '--max-pool average',
        nodes: [{ name: 'pool', operator: 'MaxPool' }],
        edit: 'nn.AvgPool2d(2) in place of nn.MaxPool2d, and train again',
      },
    ]);
    const again = await inspect(pool, { options: { maxPool: 'average' } });
    expect(again).toMatchObject({ verdict: 'works', needs: [], estimate: found.estimate });
  });

  test('unsupported operators of every kind, each with a way out', async () => {
    const found = await inspect(
      model({
        inputs: { x: [1, 4] },
        outputs: ['b'],
        nodes: [
          { op: 'LSTM', inputs: ['x'], outputs: ['a'], name: 'first' },
          { op: 'Fizz', domain: 'example.org', inputs: ['a'], outputs: ['b'], name: 'second' },
        ],
      }),
    );
    expect(found).toMatchObject({ verdict: 'does-not-work', supported: false, estimate: null });
    expect(found.unsupported.map(({ name }) => name)).toEqual(['first', 'second']);
    for (const { wayOut } of found.unsupported) expect(wayOut).toMatch(/\w/);
  });

  test('a smaller degree where the levels run out', { timeout: 180_000 }, async () => {
    // Too large for an estimate, so that the levels alone decide.
    const found = await inspect(model(wideNetwork(19)));
    expect(found.verdict).toBe('may-work');
    expect(found.needs.map(({ flag }) => flag)).toEqual([
      '--calibration X.npy',
      '--activation-degree 2',
    ]);
    // The last ReLU has no layer behind it that takes its leading coefficient.
    expect(found.multiplicativeDepth).toBe(39);
  });

  test('levels that no degree saves: what each layer takes, what there is, what a lower degree would need', async () => {
    const found = await inspect(model(deepNetwork(60, 'Sigmoid')));
    const { verdict, infeasible, layers, levelsAvailable, multiplicativeDepth } = found;
    expect(verdict).toBe('does-not-work');
    expect(infeasible).toMatchObject({ code: 'LEVELS_EXHAUSTED', exit: 4 });
    expect(infeasible?.message).toContain(`needs ${String(multiplicativeDepth)} levels`);
    expect(infeasible?.hint).toMatch(/even --activation-degree 2 needs \d+/);
    expect(levelsAvailable).toBeGreaterThan(30);
    expect(layers.at(-1)?.total).toBe(multiplicativeDepth);
    expect(layers.reduce((sum, { levels }) => sum + levels, 0)).toBe(multiplicativeDepth);
  });

  test('less precision, where calibrated values reach no more', async () => {
    const request = { calibration: calibration(), options: { precisionBits: 26 } };
    const found = await inspect(example('lola.onnx'), request);
    const [need] = found.needs;
    expect(found.verdict).toBe('works-with-flags');
    expect(need?.flag).toMatch(/^--precision-bits \d+$/);
    const precisionBits = Number(need?.flag.split(' ')[1]);
    const { report } = await compile(example('lola.onnx'), {
      ...request,
      options: { precisionBits },
    });
    expect(report.precisionBits).toBe(found.estimate?.precisionBits);
  });

  test('budgets are findings', async () => {
    const found = await inspect(example('lola.onnx'), { options: { maxKeyBytes: 1 } });
    expect(found).toMatchObject({
      verdict: 'does-not-work',
      infeasible: { code: 'KEYS_TOO_LARGE', exit: 4 },
    });
  });
});

describe('work is bounded', () => {
  const convolution = (extent: number, channels: number): TestModel => ({
    inputs: { x: [1, channels, extent, extent] },
    outputs: ['y'],
    nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'], name: 'conv' }],
    initializers: { w: filled([channels, channels, 3, 3], randomNumbers(2)) },
  });

  test('a result of more axes than a layout holds is refused by name', async () => {
    const nodes = Array.from({ length: 84 }, (_, n): TestNode => ({
      ...{ op: 'Unsqueeze', inputs: [`x${n}`], outputs: [`x${n + 1}`], name: `u${n}` },
      attributes: { axes: [2] },
    }));
    const given = { opset: 11, inputs: { x0: [1, 3] }, outputs: ['x84'], nodes };
    await expect(compile(model(given))).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    expect(await inspect(model(given))).toMatchObject({ verdict: 'does-not-work' });
  });

  test('a large model is not estimated, and says so', async () => {
    const found = await inspect(model(convolution(66, 32)));
    expect(found).toMatchObject({ verdict: 'may-work', estimate: null, infeasible: null });
    expect(found.estimateLeftOut).toContain('38 million products');
    expect(found.multiplicativeDepth).toBe(1);
  });

  test('pools that grow from layer to layer are composed as far as an estimate is worth', async () => {
    // A few kilobytes, whose matrices took more than 4 GB while fuse-linear held them all.
    const attributes = { kernel_shape: [3, 3], pads: [2, 2, 2, 2] };
    const nodes = Array.from({ length: 62 }, (_, n): TestNode => ({
      ...{ op: 'AveragePool', inputs: [`x${n}`], outputs: [`x${n + 1}`], attributes },
    }));
    const found = await inspect(model({ inputs: { x0: [1, 3, 28, 28] }, outputs: ['x62'], nodes }));
    expect(found).toMatchObject({ verdict: 'may-work', estimate: null, infeasible: null });
    expect(found.estimateLeftOut).toContain('more work than an estimate is worth');
  });

  test('a layer that no pass can write out is refused by inspect and compile alike', async () => {
    // 128² · 9 · 256² products: more than the 2^32 that can be had.
    const large = model(convolution(258, 128));
    const found = await inspect(large);
    expect(found).toMatchObject({
      verdict: 'does-not-work',
      infeasible: { code: 'RESOURCE_LIMIT', node: 'conv', exit: 7 },
    });
    await expect(compile(large)).rejects.toMatchObject({ code: 'RESOURCE_LIMIT' });
  });

  test('estimate: false compiles nothing', async () => {
    const found = await inspect(example('lola.onnx'), { estimate: false });
    expect(found).toMatchObject({ verdict: 'may-work', estimate: null, layers: [] });
  });
});
