import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cipherloom } from '../spawn-program.ts';
import { compileLola, errorOf, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();
const plan = () => join(folder(), 'plan');
beforeAll(async () => {
  await compileLola(plan());
});

describe('check', () => {
  test('holds a plan to what it was made for', async () => {
    const json = jsonOf(await cipherloom('check', plan(), '--json'));
    expect(json).toMatchObject({
      ok: true,
      insecure: false,
      missed: [],
      budgets: [{ name: 'securityBits', limit: 128, bound: 'least', met: true }],
    });
    const { peakCiphertextBytes, residentKeyBytes, memoryBytes, keyBytes } = json as Record<
      string,
      number
    >;
    expect(memoryBytes).toBe(peakCiphertextBytes! + residentKeyBytes!);
    expect(keyBytes).toBeLessThan(residentKeyBytes!);
  });

  test('lists each budget that is missed, with its limit and the figure; exit status 5', async () => {
    const words = [
      'check',
      plan(),
      '--min-precision-bits',
      '60',
      '--min-security',
      '512',
      '--max-key-bytes',
      '1KiB',
      '--max-memory-bytes',
      '1TiB',
    ];
    const { status, stdout, stderr } = await cipherloom(...words, '--json');
    expect({ status, stderr }).toEqual({ status: 5, stderr: '' });
    const json = JSON.parse(stdout) as Record<string, unknown>;
    expect(json).toMatchObject({
      ok: false,
      missed: ['securityBits', 'precisionBits', 'keyBytes'],
      budgets: [
        { name: 'securityBits', limit: 512, met: false, figure: json.securityBits },
        { name: 'precisionBits', limit: 60, met: false, figure: json.precisionBits },
        { name: 'keyBytes', limit: 1024, met: false, figure: json.keyBytes },
        { name: 'memoryBytes', limit: 2 ** 40, met: true, figure: json.memoryBytes },
      ],
    });
    const text = await cipherloom(...words);
    expect(text.status).toBe(5);
    expect(text.stdout).toMatch(/^keyBytes .* missed \(--max-key-bytes\)$/m);
    expect(text.stdout).toMatch(/^memoryBytes .* ok$/m);
    const asked = await cipherloom(...words, '--format', 'json');
    expect(JSON.parse(asked.stdout)).toMatchObject({ ok: false });
  });

  test('refuses a report of another compilation', async () => {
    const mixed = join(folder(), 'mixed');
    cpSync(plan(), mixed, { recursive: true });
    const report = JSON.parse(readFileSync(join(plan(), 'report.json'), 'utf8')) as object;
    writeFileSync(
      join(mixed, 'report.json'),
      JSON.stringify({ ...report, planHash: '0'.repeat(64) }),
    );
    expect(await errorOf('check', mixed)).toMatchObject({ status: 3, code: 'PLAN_MISMATCH' });
    writeFileSync(join(mixed, 'report.json'), '{');
    expect(await errorOf('check', mixed)).toMatchObject({ status: 3, code: 'PLAN_INVALID' });
  });
});

describe('verify --backend clear', () => {
  const words = () => [
    'verify',
    plan(),
    '--backend',
    'clear',
    '--model',
    example('lola.onnx'),
    '--input',
    example('images.npy'),
    '--limit',
    '4',
    '--json',
  ];

  test('compares image by image with the original', async () => {
    const json = jsonOf(await cipherloom(...words()));
    expect(json).toMatchObject({ images: 4, agreement: 1, agreementProgram: 1, missed: [] });
    const perImage = json.perImage as { precisionBits: number; top: number }[];
    expect(perImage.map(({ top }) => top)).toEqual([7, 2, 1, 0]);
    // The original computes in float32.
    for (const { precisionBits } of perImage) expect(precisionBits).toBeGreaterThan(16);
    expect(json.worstElement).toMatchObject({ output: 'logits' });
  });

  test('misses a budget with exit status 5', async () => {
    const { status, stdout } = await cipherloom(...words(), '--min-precision-bits', '50');
    expect(status).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      missed: [{ name: 'precisionBits', option: '--min-precision-bits', limit: 50 }],
    });
  });

  test('refuses the model of another plan', async () => {
    const other = words().map((word) =>
      word.endsWith('lola.onnx') ? example('images.npy') : word,
    );
    expect(await errorOf(...other.slice(0, -1))).toMatchObject({ status: 3 });
  });
});
