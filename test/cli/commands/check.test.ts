import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onnx } from 'onnx-proto';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';
import { launcher, spawnProgram } from '../spawn-program.ts';
import { adversarialImages } from '../../noise/plan-errors.ts';
import {
  cipherloom,
  compileLola,
  errorOf,
  example,
  jsonOf,
  temporaryFolder,
} from './example-plans.ts';

const folder = temporaryFolder();
const plan = () => join(folder(), 'plan');
/** Several programs one after the other, on a machine that does other work too. */
const slow = { timeout: 300_000 };
const sobel = fileURLToPath(new URL('../../../examples/filters/sobel.ts', import.meta.url));

/** The same network, whose last bias makes every digit a zero. */
function alwaysZero(model: Uint8Array): Uint8Array {
  const decoded = onnx.ModelProto.decode(model);
  const bias = decoded.graph!.initializer!.find(
    ({ dims }) => dims?.length === 1 && Number(dims[0]) === 10,
  )!;
  bias.rawData = new Uint8Array(
    Float32Array.from({ length: 10 }, (_, k) => (k === 0 ? 1e4 : 0)).buffer,
  );
  return onnx.ModelProto.encode(decoded).finish();
}
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
      budgetFile: null,
      baseline: null,
      measured: null,
      budgets: [{ name: 'securityBits', limit: 128, bound: 'least', met: true }],
    });
    const { peakCiphertextBytes, residentKeyBytes, memoryBytes, keyBytes } = json as Record<
      string,
      number
    >;
    const report = JSON.parse(readFileSync(join(plan(), 'report.json'), 'utf8')) as {
      readonly nativeMemory: Readonly<Record<string, number>>;
    };
    const parts = Object.values(report.nativeMemory);
    expect(memoryBytes).toBe(parts.reduce((sum, bytes) => sum + bytes, 0));
    expect(memoryBytes).toBeGreaterThan(peakCiphertextBytes! + residentKeyBytes!);
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
    expect(text.stdout).toMatch(/^missed: 3 of 4 limits$/m);
    expect(text.stdout).toMatch(/^keyBytes .* missed \(--max-key-bytes\)/m);
    expect(text.stdout).toMatch(/^memoryBytes .* ok /m);
    const asked = await cipherloom(...words, '--format', 'json');
    expect(JSON.parse(asked.stdout)).toMatchObject({ ok: false });
  });

  const onImages = () => ['--input', example('images.npy'), '--limit', '4'];
  /** Labels of which one in four is right. */
  const wrongLabels = () => {
    const path = join(folder(), 'wrong.npy');
    writeFileSync(path, formatNpy({ shape: [4], data: Float64Array.from([7, 9, 9, 9]) }));
    return path;
  };
  // Every budget, with a limit that holds and one that does not.
  test.each([
    ['securityBits', '--min-security', '128', '129', () => []],
    ['precisionBits', '--min-precision-bits', '12', '20', () => []],
    ['latencyMs', '--max-latency-ms', '60000', '1', () => []],
    ['keyBytes', '--max-key-bytes', '64MiB', '1MiB', () => []],
    ['memoryBytes', '--max-memory-bytes', '1GiB', '50MiB', () => []],
    ['rangeEscape', '--max-range-escape', '0.001', '0.000001', () => []],
    [
      'accuracy',
      '--min-accuracy',
      '0.25',
      '0.26',
      () => [...onImages(), '--labels', wrongLabels()],
    ],
  ])('%s: one limit holds, another is missed', async (name, flag, held, missed, more) => {
    const good = await cipherloom('check', plan(), flag, held, ...more(), '--json', '--quiet');
    expect(good.status).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ ok: true, missed: [] });
    const bad = await cipherloom('check', plan(), flag, missed, ...more(), '--json', '--quiet');
    expect(bad.status).toBe(5);
    expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, missed: [name] });
  });

  test('agreement: with the original it holds, with another network it is missed', async () => {
    const words = ['check', plan(), ...onImages(), '--min-agreement', '0.5', '--json', '--quiet'];
    const same = await cipherloom(...words, '--model', example('lola.onnx'));
    expect(same.status).toBe(0);
    expect(JSON.parse(same.stdout)).toMatchObject({ agreement: 1, missed: [] });
    const zero = join(folder(), 'zero.onnx');
    writeFileSync(zero, alwaysZero(readFileSync(example('lola.onnx'))));
    const other = await cipherloom(...words, '--model', zero);
    expect(other.status).toBe(5);
    expect(JSON.parse(other.stdout)).toMatchObject({ agreement: 0.25, missed: ['agreement'] });
  });

  test('a range escape is 0 where every range is proved, refused where nothing tells of it', async () => {
    const proved = join(folder(), 'proved');
    const compiled = await cipherloom('compile', sobel, '-o', proved, '--require-range-proof');
    expect(compiled.status).toBe(0);
    const json = jsonOf(
      await cipherloom('check', proved, '--max-range-escape', '0', '--json', '--quiet'),
    );
    expect(json).toMatchObject({
      rangeEscape: 0,
      ranges: { calibrated: 0 },
      fullOutputs: ['edges'],
    });
    const synthetic = join(folder(), 'synthetic');
    const words = ['compile', example('lola.onnx'), '-o', synthetic, '--quiet'];
    expect((await cipherloom(...words)).status).toBe(0);
    expect(await errorOf('check', synthetic, '--max-range-escape', '0.5')).toMatchObject({
      status: 2,
      code: 'FIGURE_UNKNOWN',
      node: 'rangeEscape',
      details: { option: '--max-range-escape', limit: 0.5 },
    });
  });

  test('an output with an element in every slot is named where ranges are not proved', async () => {
    const full = join(folder(), 'full');
    const words = ['--calibration', example('calibration.npy'), '--packing', 'feature-major'];
    const compiled = await cipherloom(
      'compile',
      example('lola.onnx'),
      '-o',
      full,
      '--objective',
      'throughput',
      ...words,
    );
    expect(compiled.status, compiled.stderr).toBe(0);
    const { stdout } = await cipherloom('check', full);
    expect(stdout).toContain('"logits" has an element in every slot');
    expect(jsonOf(await cipherloom('check', full, '--json'))).toMatchObject({
      fullOutputs: ['logits'],
    });
    expect(jsonOf(await cipherloom('check', plan(), '--json'))).toMatchObject({ fullOutputs: [] });
  });

  test('a scale of four bits less: the precision of the plan no longer holds', slow, async () => {
    const report = JSON.parse(readFileSync(join(plan(), 'report.json'), 'utf8')) as {
      parameters: { ringDegree: number; primes: string[]; specialPrimes: string[] };
    };
    const bits = (primes: readonly string[]) =>
      primes.map((prime) => BigInt(prime).toString(2).length);
    const [first, ...inner] = bits(report.parameters.primes);
    const shrunk = join(folder(), 'shrunk');
    const compiled = await compileLola(
      shrunk,
      '--ring-degree',
      String(report.parameters.ringDegree),
      '--prime-bits',
      [first, ...inner.map((own) => own - 4), ...bits(report.parameters.specialPrimes)].join(),
      '--precision-bits',
      '6',
    );
    expect(compiled.status).toBe(0);
    const check = (of: string) =>
      cipherloom('check', of, '--min-precision-bits', '12', '--json', '--quiet');
    const [whole, less] = await Promise.all([check(plan()), check(shrunk)]);
    expect([whole.status, less.status]).toEqual([0, 5]);
    const [before, after] = [whole, less].map(
      ({ stdout }) => JSON.parse(stdout) as { precisionBits: number; missed: string[] },
    );
    expect(after!.missed).toEqual(['precisionBits']);
    expect(before!.precisionBits - after!.precisionBits).toBeGreaterThan(2);
  });

  test('images that leave a range are counted and warned of', slow, async () => {
    const contrast = join(folder(), 'contrast.npy');
    const images = adversarialImages(784, [0, 1]);
    const data = Float64Array.from(images.flatMap((image) => [...image]));
    writeFileSync(contrast, formatNpy({ shape: [images.length, 1, 28, 28], data }));
    const words = ['check', plan(), '--input', contrast, '--max-range-escape', '0.2'];
    const { status, stdout } = await cipherloom(...words, '--json');
    expect(status).toBe(5);
    const json = JSON.parse(stdout) as { rangeEscape: number; warnings: { id: string }[] };
    // White, stripes and their negative are unlike any digit.
    expect(json.rangeEscape * images.length).toBeGreaterThanOrEqual(3);
    expect(json).toMatchObject({ missed: ['rangeEscape'], warnings: [{ id: 'RANGE_ESCAPED' }] });
    const digits = jsonOf(await cipherloom('check', plan(), ...onImages(), '--json', '--quiet'));
    expect(digits).toMatchObject({ warnings: [] });
    expect(digits['rangeEscape']).toBeLessThan(0.001);
  });

  test.each([
    ['--min-agreement', '--model'],
    ['--min-accuracy', '--labels'],
  ])('%s without images is refused, not passed', async (flag, wanted) => {
    const error = await errorOf('check', plan(), flag, '0');
    expect(error).toMatchObject({ status: 2, code: 'FIGURE_UNKNOWN' });
    expect(error.hint).toContain(wanted);
  });

  test('--measured runs on ciphertexts, and the latency is that', async () => {
    const words = ['check', plan(), '--measured', '--backend', 'seal', '--json', '--quiet'];
    const { status, stdout } = await cipherloom(...words, '--max-latency-ms', '0.5');
    expect(status).toBe(5);
    const json = JSON.parse(stdout) as { measured: { latencyMs: number } };
    expect(json).toMatchObject({
      missed: ['latencyMs'],
      measured: { backend: 'seal', images: 3 },
      budgets: [{}, { name: 'latencyMs', figure: json.measured.latencyMs }],
    });
    expect(json.measured.latencyMs).toBeGreaterThan(0.5);
  });

  test('reads budgets from a file; flags win', async () => {
    const file = join(folder(), 'budget.json');
    writeFileSync(file, JSON.stringify({ maxKeyBytes: '1KiB', minPrecisionBits: 12 }));
    const { status, stdout } = await cipherloom('check', plan(), '--budget', file, '--json');
    expect(status).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      budgetFile: file,
      missed: ['keyBytes'],
      budgets: [{}, {}, { option: `${file}: maxKeyBytes`, limit: 1024 }],
    });
    const raised = await cipherloom('check', plan(), '--budget', file, '--max-key-bytes', '1GiB');
    expect(raised.status).toBe(0);
    const there = join(folder(), 'there');
    mkdirSync(there);
    cpSync(file, join(there, 'cipherloom.budget.json'));
    const found = await spawnProgram(launcher, ['check', plan()], { cwd: there });
    expect(found.status).toBe(5);
    expect(found.stdout).toContain('missed (cipherloom.budget.json: maxKeyBytes)');
  });

  test.each([
    ['{', 'is not JSON'],
    ['{"maxKeyByte": 1}', 'there is no budget maxKeyByte'],
    ['{"maxKeyBytes": "a"}', 'maxKeyBytes'],
    ['{"minAgreement": 2}', 'minAgreement'],
    ['{"tolerances": {"size": 2}}', 'tolerances.size'],
  ])('refuses the budget file %s', async (text, message) => {
    const file = join(folder(), 'wrong.json');
    writeFileSync(file, text);
    const error = await errorOf('check', plan(), '--budget', file);
    expect(error).toMatchObject({ status: 2, code: 'USAGE' });
    expect(error.message).toContain(message);
  });

  test('catches what became worse than the baseline by more than its tolerance', async () => {
    const report = JSON.parse(readFileSync(join(plan(), 'report.json'), 'utf8')) as {
      keyBytes: number;
      precisionBits: number;
    };
    const words = (change: object, ...more: readonly string[]) => {
      const old = join(folder(), 'old.json');
      writeFileSync(old, JSON.stringify({ ...report, ...change }));
      return ['check', plan(), '--baseline', old, '--json', ...more];
    };
    const same = await cipherloom(...words({}));
    expect(same.status).toBe(0);
    const smaller = { keyBytes: Math.floor(report.keyBytes / 1.05) };
    const { status, stdout } = await cipherloom(...words(smaller));
    expect(status).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      missed: [],
      baseline: { missed: ['keyBytes'], notCompared: [] },
    });
    expect((await cipherloom(...words(smaller, '--tolerance', 'keyBytes=0.1'))).status).toBe(0);
    expect((await cipherloom(...words({ precisionBits: report.precisionBits + 1 }))).status).toBe(
      5,
    );
    const unknown = await cipherloom(...words({ modelledSeconds: null }));
    expect(JSON.parse(unknown.stdout)).toMatchObject({
      ok: true,
      baseline: { notCompared: [{ name: 'latencyMs', reason: 'not stated by the baseline' }] },
    });
    expect(
      await errorOf(...words({ name: 'other' }).filter((word) => word !== '--json')),
    ).toMatchObject({
      status: 3,
      code: 'PLAN_MISMATCH',
    });
  });

  test('compiles a model first; options for compiling need one', async () => {
    const words = [example('lola.onnx'), '--calibration', example('calibration.npy')];
    const checked = jsonOf(await cipherloom('check', ...words, '--json', '--quiet'));
    const { planHash } = jsonOf(await cipherloom('check', plan(), '--json'));
    expect(checked).toMatchObject({ ok: true, planHash });
    expect(await errorOf('check', plan(), '--objective', 'latency')).toMatchObject({
      status: 2,
      code: 'USAGE',
    });
  });

  test('--output takes the document, and the text is printed', async () => {
    const file = join(folder(), 'check.xml');
    const words = ['check', plan(), '--format', 'junit', '--output', file];
    const { status, stdout } = await cipherloom(...words);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok: 1 of 1 limits hold$/m);
    expect(readFileSync(file, 'utf8')).toContain('<testsuites>');
    expect(await errorOf('check', plan(), '--format', 'sarif')).toMatchObject({ status: 2 });
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
