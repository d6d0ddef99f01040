import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cipherloom, compileLola, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();
const plan = () => join(folder(), 'plan');
beforeAll(async () => {
  await compileLola(plan());
});

const simulate = (...words: readonly string[]) =>
  cipherloom('simulate', plan(), '--input', example('images.npy'), '--limit', '4', ...words);

describe('simulate', () => {
  test('accuracy, and a precision between what is predicted and what is exact', async () => {
    const json = jsonOf(await simulate('--labels', example('labels.npy'), '--json'));
    expect(json).toMatchObject({
      images: 4,
      seed: 1,
      evaluator: 'native',
      accuracy: 1,
      agreementProgram: 1,
      escapedImages: 0,
    });
    const escapes = json['rangeEscapes'] as { node: string; escaped: number }[];
    expect(escapes.map(({ node }) => node)).toContain('/square2/Mul');
    expect(escapes.every(({ escaped }) => escaped === 0)).toBe(true);
    const { worst } = json['precisionBits'] as { worst: number };
    expect(worst).toBeGreaterThan(12);
    expect(worst).toBeLessThan(30);
  });

  test('the same seed gives the same bytes, another seed or evaluator others', async () => {
    const [first, again, other, seal] = await Promise.all([
      simulate('--json'),
      simulate('--json'),
      simulate('--seed', '2', '--json'),
      simulate('--evaluator', 'seal', '--json'),
    ]);
    expect(first.stdout).toBe(again.stdout);
    expect(jsonOf(other)['outputs']).not.toEqual(jsonOf(first)['outputs']);
    expect(jsonOf(seal)['outputs']).not.toEqual(jsonOf(first)['outputs']);
  });

  test('an evaluator that does not exist is a usage error', async () => {
    const { status, stderr } = await simulate('--evaluator', 'tfhe');
    expect(status).toBe(2);
    expect(stderr).toContain('--evaluator');
  });
});
