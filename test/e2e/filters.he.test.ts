/** The programs of examples/filters, encrypted, against plain loops in float64. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';
import { readNpy } from '../../src/read-npy.ts';
import { cipherloom } from '../cli/spawn-program.ts';

const filters = path.join(import.meta.dirname, '../../examples/filters');
const side = 64;
const pixels = side * side;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cipherloom-filters-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function rowsOf(file: string, width: number): Float64Array[] {
  const data = Float64Array.from(readNpy(readFileSync(file)).data, Number);
  return Array.from({ length: data.length / width }, (_, k) =>
    data.slice(k * width, (k + 1) * width),
  );
}

/** Compile a program and run it on images through the command line; outputs and report. */
async function encrypted(name: string, images: string, compileOptions: readonly string[] = []) {
  const program = path.join(filters, `${name}.ts`);
  const plan = path.join(folder, name);
  const output = path.join(folder, `${name}.npy`);
  const compiled = await cipherloom('compile', program, '-o', plan, '--json', ...compileOptions);
  expect(compiled.status, compiled.stderr).toBe(0);
  const ran = await cipherloom(
    ...['run', plan, '--input', images, '--model', program, '--output', output, '--json'],
  );
  expect(ran.status, ran.stderr).toBe(0);
  const report = JSON.parse(ran.stdout) as {
    readonly agreementReference: string;
    readonly parameters: { readonly securityBits: number };
  };
  expect(report.parameters.securityBits).toBeGreaterThanOrEqual(128);
  expect(report.agreementReference).toBe('the program in the clear');
  return output;
}

/** A tensor of the reference: value at row and column, zero outside. */
type Plane = (row: number, column: number) => number;

function plane(values: ArrayLike<number>): Plane {
  return (row, column) =>
    row < 0 || column < 0 || row >= side || column >= side ? 0 : values[row * side + column]!;
}

function each(f: Plane): Float64Array {
  return Float64Array.from({ length: pixels }, (_, n) => f(Math.floor(n / side), n % side));
}

function gradients(image: ArrayLike<number>): { gx: Float64Array; gy: Float64Array } {
  const p = plane(image);
  const smooth = [1, 2, 1];
  const gx = each((r, c) =>
    smooth.reduce((sum, w, k) => sum + w * (p(r + k - 1, c + 1) - p(r + k - 1, c - 1)), 0),
  );
  const gy = each((r, c) =>
    smooth.reduce((sum, w, k) => sum + w * (p(r + 1, c + k - 1) - p(r - 1, c + k - 1)), 0),
  );
  return { gx, gy };
}

function sobel(image: ArrayLike<number>): Float64Array {
  const { gx, gy } = gradients(image);
  return gx.map((x, n) => {
    const d = x ** 2 + gy[n]! ** 2;
    return 2.2137874823876622 * d - 1.0984324107372518 * d ** 2 + 0.17254603006834726 * d ** 3;
  });
}

function harris(image: ArrayLike<number>): Float64Array {
  const { gx, gy } = gradients(image);
  const box = (values: Float64Array): Float64Array => {
    const p = plane(values);
    return each((r, c) => {
      let sum = 0;
      for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) sum += p(r + i, c + j);
      return sum;
    });
  };
  const sxx = box(gx.map((x) => x * x));
  const syy = box(gy.map((y) => y * y));
  const sxy = box(gx.map((x, n) => x * gy[n]!));
  return sxx.map((xx, n) => xx * syy[n]! - sxy[n]! ** 2 - 0.04 * (xx + syy[n]!) ** 2);
}

function expectClose(got: readonly Float64Array[], wanted: readonly Float64Array[]): void {
  expect(got.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
  wanted.forEach((reference, image) => {
    let largest = 0;
    let error = 0;
    reference.forEach((value, n) => {
      largest = Math.max(largest, Math.abs(value));
      error = Math.max(error, Math.abs(got[image]![n]! - value));
    });
    expect(largest).toBeGreaterThan(0);
    expect(error / largest, `image ${image}`).toBeLessThan(2 ** -12);
  });
}

describe('filters, encrypted, within 2^-12 of plain loops', () => {
  /** Digits, and the same with a fifth of the contrast: gradients of 1 and less, as in photographs. */
  const images = (): string => {
    const [picture] = rowsOf(path.join(filters, 'image.npy'), pixels);
    const data = Float32Array.from([...picture!, ...picture!.map((x) => 0.4 + x / 5)]);
    const file = path.join(folder, 'images.npy');
    writeFileSync(file, formatNpy({ shape: [2, 1, side, side], data }));
    return file;
  };

  it.each([
    { name: 'sobel', reference: sobel },
    { name: 'harris', reference: harris },
  ])('$name', async ({ name, reference }) => {
    const input = images();
    const output = await encrypted(name, input);
    expectClose(rowsOf(output, pixels), rowsOf(input, pixels).map(reference));
  });

  it('score', async () => {
    const digits = path.join(filters, 'digits.npy');
    const calibration = ['--calibration', path.join(filters, 'digits-calibration.npy')];
    const output = await encrypted('score', digits, calibration);
    const { weights, bias } = JSON.parse(
      readFileSync(path.join(filters, 'score.json'), 'utf8'),
    ) as { readonly weights: readonly number[]; readonly bias: number };
    const arguments_ = rowsOf(digits, 64).map((x) =>
      x.reduce((sum, value, n) => sum + value * weights[n]!, bias),
    );
    const polynomial = (t: number): number =>
      0.5 + 1.73496 * t - 4.19407 * t ** 3 + 5.43402 * t ** 5 - 2.50739 * t ** 7;
    const got = rowsOf(output, 1);
    expectClose([Float64Array.from(got, ([y]) => y!)], [Float64Array.from(arguments_, (a) => polynomial(a / 8))]); // prettier-ignore
    // And it is the sigmoid's stand-in, of a model that tells the digits apart.
    got.forEach(([y], k) => {
      expect(Math.abs(y! - 1 / (1 + Math.exp(-arguments_[k]!)))).toBeLessThan(0.033);
    });
  });
});
