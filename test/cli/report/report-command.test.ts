import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { errorOf, example, jsonOf } from '../commands/example-plans.ts';
import { cipherloom } from '../spawn-program.ts';
import { examplePlan } from './page-facts.ts';

let folder: string;
let report: string;

beforeAll(async () => {
  folder = await examplePlan('lola');
  report = readFileSync(join(folder, 'report.json'), 'utf8');
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  writeFileSync(join(folder, 'report.json'), report);
});

test('writes the same page again, into the folder or elsewhere', async () => {
  const json = jsonOf(await cipherloom('report', folder, '--json'));
  expect(json).toMatchObject({ verdict: 'attention', results: [], foreignResults: [] });
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  const other = join(folder, 'other.html');
  expect((await cipherloom('report', folder, '-o', other)).status).toBe(0);
  expect(readFileSync(other, 'utf8')).toBe(page);
});

test('shows results about this plan, and names those about another', async () => {
  const { planHash } = JSON.parse(report) as { planHash: string };
  const run = {
    planHash,
    backend: 'native',
    threads: 1,
    images: 1000,
    accuracy: 0.98,
    accuracyReference: 0.99,
    accuracyProgram: 0.985,
    agreement: 0.99,
    agreementReference: 'lola.onnx',
    precisionBits: { worst: null },
    timingsMs: { evaluate: [140, 150, 160] },
    peakMemoryBytes: 2 ** 20,
  };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(run));
  writeFileSync(join(folder, 'old.json'), JSON.stringify({ ...run, planHash: '0'.repeat(64) }));
  writeFileSync(join(folder, 'notes.json'), 'not JSON');
  const json = jsonOf(await cipherloom('report', folder, '--json'));
  expect(json).toMatchObject({
    verdict: 'good',
    accuracy: { original: 0.99, polynomial: 0.985, encrypted: 0.98 },
    results: ['run.json'],
    foreignResults: ['old.json'],
  });
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  expect(page).toContain('Results of another plan are not shown:');
  expect(page).toContain('150 ms');
  for (const name of ['run.json', 'old.json', 'notes.json']) rmSync(join(folder, name));
});

test('shows results in other files, which have to be about this plan', async () => {
  const images = ['--input', example('images.npy'), '--labels', example('labels.npy')];
  const { stdout } = await cipherloom('simulate', folder, ...images, '--json');
  const file = join(folder, '..', `${basename(folder)}-simulation.json`);
  writeFileSync(file, stdout);
  const json = jsonOf(await cipherloom('report', folder, '--results', file, '--json'));
  expect(json).toMatchObject({
    accuracy: { original: null, simulated: 1, encrypted: null },
    results: [basename(file)],
  });
  writeFileSync(file, stdout.replace(/"planHash":"../, '"planHash":"00'));
  const named = { status: 3, node: file };
  expect(await errorOf('report', folder, '--results', file)).toMatchObject({
    ...named,
    code: 'PLAN_MISMATCH',
  });
  writeFileSync(file, '{}');
  expect(await errorOf('report', folder, '--results', file)).toMatchObject({
    ...named,
    code: 'DATA_INVALID',
  });
  rmSync(file);
});

test.each([
  ['no JSON', () => '{', 'PLAN_INVALID'],
  [
    'a field of another type',
    (text: string) => text.replace('"batch": 1', '"batch": "x"'),
    'PLAN_INVALID',
  ],
  [
    'a number that is none',
    (text: string) => text.replace(/"precisionBits": [\d.]+/, '"precisionBits": 1e999'),
    'PLAN_INVALID',
  ],
  [
    'another plan',
    (text: string) => text.replace(/"planHash": "../, '"planHash": "00'),
    'PLAN_MISMATCH',
  ],
] as const)('refuses a report.json that holds %s', async (_, change, code) => {
  const changed = change(report);
  expect(changed).not.toBe(report);
  writeFileSync(join(folder, 'report.json'), changed);
  expect(await errorOf('report', folder)).toMatchObject({ status: 3, code });
});

test('says what is missing', async () => {
  rmSync(join(folder, 'report.json'));
  expect(await errorOf('report', folder)).toMatchObject({ status: 3, code: 'FILE_UNREADABLE' });
});
