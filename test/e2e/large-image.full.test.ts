/**
 * A network for images of 224 × 224 × 3, encrypted: within a minute of search and 8 GB it is compiled, within
 * 8 GB it runs, and its answer is onnxruntime's.
 */
import { expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { nativeAddon } from '../support/backends.ts';
import { encodeModel } from '../support/onnx-model.ts';
import type { TestNode, TestTensor } from '../support/onnx-model.ts';
import { runOnnx } from '../support/onnxruntime.ts';
import { normalNumber, randomSource, randomValues } from '../support/random.ts';

const side = 224;
const memoryBytes = 8_000_000_000;
const serverBytes = 6_000_000_000;
const maps = [3, 16, 32, 64, 96];
const classes = 10;

/** Strided convolutions 3 × 3 with squares behind them, means of 2 × 2, a dense layer. */
function network(): Uint8Array<ArrayBuffer> {
  const random = randomSource(side);
  const weights = (dims: readonly number[], inputs: number): TestTensor => ({
    dims,
    data: Array.from(
      { length: dims.reduce((product, extent) => product * extent, 1) },
      () => normalNumber(random) / Math.sqrt(inputs),
    ),
  });
  const initializers: Record<string, TestTensor> = {};
  const nodes: TestNode[] = [];
  maps.slice(1).forEach((channels, k) => {
    const before = maps[k] ?? 0;
    initializers[`kernel${k}`] = weights([channels, before, 3, 3], 9 * before);
    nodes.push(
      {
        op: 'Conv',
        inputs: [k === 0 ? 'image' : `square${k - 1}`, `kernel${k}`],
        outputs: [`conv${k}`],
        attributes: { strides: [2, 2], pads: [1, 1, 1, 1], kernel_shape: [3, 3] },
      },
      { op: 'Mul', inputs: [`conv${k}`, `conv${k}`], outputs: [`square${k}`] },
    );
  });
  const features = (maps.at(-1) ?? 0) * (side / 32) ** 2;
  initializers['dense'] = weights([features, classes], features);
  nodes.push(
    {
      op: 'AveragePool',
      inputs: [`square${maps.length - 2}`],
      outputs: ['pooled'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
    { op: 'MatMul', inputs: ['flat', 'dense'], outputs: ['scores'] },
  );
  return encodeModel({
    inputs: { image: [1, 3, side, side] },
    outputs: ['scores'],
    initializers,
    nodes,
    metadata: { 'cipherloom.range.image': '-1,1' },
  });
}

test.skipIf(nativeAddon === null)(
  'four strided convolutions at 224 × 224 × 3',
  { timeout: 3_600_000 },
  async () => {
    const bytes = network();
    const random = randomSource(1);
    const images = Array.from({ length: 9 }, () => randomValues(random, 3 * side * side));
    const [image = new Float64Array(0), ...others] = images;
    let searchSeconds = 0;
    let last = performance.now();
    const model = await compile(
      { bytes, name: 'large' },
      {
        calibration: new Map([['image', others]]),
        options: { target: 'native', maxMemoryBytes: memoryBytes },
        afterPass({ name }) {
          const now = performance.now();
          if (name === 'choose-packing') searchSeconds += (now - last) / 1000;
          last = now;
        },
      },
    );
    using client = Client.load(model.client);
    const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
    await using session = await InferenceSession.create(model.plan, {
      backend: 'native',
      evaluationKeys,
      // The compiler and the client are in this process too.
      maxMemoryBytes: serverBytes,
    });
    const request = await client.encrypt({ image });
    const from = performance.now();
    await session.run(request);
    const firstSeconds = (performance.now() - from) / 1000;
    const [got = []] = Object.values(await client.decrypt(await session.run(request))).map(
      ({ data }) => [...data],
    );
    const reference = await runOnnx(
      bytes,
      new Map([['image', { shape: [1, 3, side, side], data: image }]]),
    );
    const want = [...(reference.get('scores')?.data ?? [])];
    expect(want).toHaveLength(classes);
    const largest = Math.max(...want.map(Math.abs));
    const error = Math.max(...want.map((value, k) => Math.abs(value - (got[k] ?? NaN))));
    const residentBytes = process.resourceUsage().maxRSS * 1024;
    process.stdout.write(
      `search ${searchSeconds.toFixed(0)} s, first run ${firstSeconds.toFixed(1)} s, ` +
        `error 2^${Math.log2(error / largest).toFixed(1)} of the largest score, ` +
        `at most ${(residentBytes / 1e9).toFixed(2)} GB\n`,
    );
    expect(error / largest).toBeLessThan(2 ** -10);
    expect(residentBytes).toBeLessThan(memoryBytes);
  },
);
