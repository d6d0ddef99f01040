import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openClear } from '../../../examples/melanoma/clear.ts';
import { readPixels } from '../../../examples/melanoma/images.ts';
import { parseLabelFile } from '../../../examples/melanoma/label-file.ts';
import { here, readModel, readRecord } from '../../../examples/melanoma/model.ts';
import { importOnnx } from '../../../src/frontend/import-onnx.ts';
import { interpret } from '../../../src/ir/interpret.ts';

const samples = path.join(here, 'samples');
const rows = parseLabelFile(
  readFileSync(path.join(samples, 'labels.csv'), 'utf8'),
  'samples/labels.csv',
);

test('a photograph becomes what the network reads, and both of its evaluations agree', async () => {
  const model = await readModel();
  await readRecord(model);
  const { size } = model.preprocessing;
  await using clear = await openClear(model);
  const { program } = importOnnx(model.bytes, { name: model.name });
  for (const { file } of [rows[0]!, rows.at(-1)!]) {
    const image = await readPixels(path.join(samples, file), model.preprocessing);
    expect(image).toHaveLength(3 * size * size);
    expect(Math.min(...image)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...image)).toBeLessThanOrEqual(1);
    expect(new Set(image).size).toBeGreaterThan(20);
    const expected = await clear.logit(image);
    const tensor = { shape: [1, 3, size, size], data: Float64Array.from(image) };
    const logit = interpret(program, new Map([['image', { kind: 'tensor', tensor }]])).get('logit');
    expect(logit?.kind === 'tensor' ? logit.tensor.data[0] : NaN).toBeCloseTo(expected, 3);
  }
});

test('the samples are six melanomas and six others, of twelve lesions', () => {
  expect(rows.filter(({ label }) => label === 1)).toHaveLength(6);
  expect(rows.filter(({ label }) => label === 0)).toHaveLength(6);
});
