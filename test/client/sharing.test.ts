import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharingCounterFile } from '../../src/client/node/sharing-counter-file.ts';
import {
  countShared,
  shareValues,
  sharingCounterInMemory,
  sharingTerms,
} from '../../src/client/sharing.ts';
import { errorOf } from '../support/error-of.ts';
import { squarePlan } from './toy-plan.ts';

const output = squarePlan.outputs[0]!;
const counter = sharingCounterInMemory();
const request = { counter, precisionBits: 20, bits: 8, images: 1 };

describe('P4: what sharing costs', () => {
  test('steps of the asked bits below the bound, an error of the predicted precision', () => {
    const terms = sharingTerms({ ...output, bound: 3 }, request);
    expect(terms.step).toBe(2 ** (2 - 8));
    expect(terms.errorBound).toBeCloseTo(1.67 * 3 * 2 ** -20, 12);
    expect(terms.errorBound + 8.5 * terms.deviation).toBeCloseTo(terms.step / 4, 12);
  });

  test('statistical bits as the bound of the literature has them', () => {
    const { deviation, errorBound, statisticalBits } = sharingTerms(output, {
      ...request,
      maxShared: 7,
      images: 2,
    });
    // σ = √(12 τ n) · 2^(s/2) · t
    expect(Math.sqrt(12 * 7 * 32) * 2 ** (statisticalBits / 2) * errorBound).toBeCloseTo(
      deviation,
      12,
    );
  });

  test('a bit less shared gives two statistical bits, nearly', () => {
    const bits = (shared: number): number =>
      sharingTerms(output, { ...request, bits: shared }).statisticalBits;
    for (let shared = 2; shared < 12; shared++) {
      expect(bits(shared - 1) - bits(shared)).toBeGreaterThan(1.99);
      expect(bits(shared - 1) - bits(shared)).toBeLessThan(2.1);
    }
  });

  test('refused where the error is more than a quarter of a step, with the bits that can be had', () => {
    const refused = errorOf(() => sharingTerms(output, { ...request, bits: 18 }));
    expect(refused.code).toBe('SHARING_REFUSED');
    const most = Number(refused.details['mostBits']);
    expect(most).toBe(17);
    expect(sharingTerms(output, { ...request, bits: most }).deviation).toBeGreaterThanOrEqual(0);
    expect(errorOf(() => sharingTerms(output, { ...request, bits: most + 1 })).code).toBe(
      'SHARING_REFUSED',
    );
  });

  test.each([0, -1, 1.5, 53, NaN])('%d bits are no bits', (bits) => {
    expect(errorOf(() => sharingTerms(output, { ...request, bits })).code).toBe('SHARING_REFUSED');
  });

  test('refused below the statistical bits that are asked for', () => {
    const { statisticalBits } = sharingTerms(output, request);
    const ask = (minStatisticalBits: number) => (): unknown =>
      sharingTerms(output, { ...request, minStatisticalBits });
    expect(ask(statisticalBits - 0.1)).not.toThrow();
    expect(errorOf(ask(statisticalBits + 0.1)).code).toBe('SHARING_REFUSED');
  });

  test('a plan without a precision shares nothing', () => {
    expect(
      errorOf(() => sharingTerms(output, { ...request, bits: 1, precisionBits: 0 })).code,
    ).toBe('SHARING_REFUSED');
  });
});

describe('P4: what is shared', () => {
  const terms = sharingTerms(output, request);

  test('errors within the bound change no value that is within a quarter of its step', () => {
    const { step, errorBound } = terms;
    const place = fc.record({
      multiple: fc.integer({ min: -200, max: 200 }),
      error: fc.double({ min: -1, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 50 }), (places) => {
        const exact = places.map(({ multiple }) => multiple * step);
        const shared = shareValues(
          Float64Array.from(places, ({ multiple, error }) => multiple * step + error * errorBound),
          terms,
        );
        expect([...shared]).toEqual(exact.map((value) => value + 0));
      }),
    );
  });

  test('two results whose ciphertexts differ in their error alone are shared alike', () => {
    const trials = 20_000;
    const draw = (): number => (2 * Math.random() - 1) * terms.errorBound;
    const exact = Float64Array.from({ length: trials }, (_, i) => (i % 301) * terms.step);
    const [one, two] = [1, 2].map(() =>
      shareValues(
        exact.map((value) => value + draw()),
        terms,
      ),
    );
    expect(one).toEqual(two);
  });

  test('multiples of the step, at most 3/4 of it off, without negative zeros', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (value) => {
        const [shared = NaN] = shareValues(Float64Array.of(value), terms);
        expect(Number.isInteger(shared / terms.step)).toBe(true);
        expect(Math.abs(shared - value)).toBeLessThanOrEqual(0.75 * terms.step);
        expect(Object.is(shared, -0)).toBe(false);
      }),
    );
  });

  test('between two multiples it is the noise that decides, as a normal distribution does', () => {
    const count = 100_000;
    const { step, deviation } = terms;
    // One deviation below the boundary: above it come 15.87 %.
    const values = new Float64Array(count).fill(step / 2 - deviation);
    const above = shareValues(values, terms).filter((value) => value > 0).length / count;
    // Five deviations of the count's own.
    expect(Math.abs(above - 0.158655)).toBeLessThan(5 * Math.sqrt((0.1587 * 0.8413) / count));
  });
});

describe('P5: how many results of a key', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom-sharing-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('refused after maxShared, also by a counter opened again', async () => {
    const path = join(folder, 'count');
    for (let n = 1; n <= 3; n++) {
      const options = { counter: sharingCounterFile(path), maxShared: 3 };
      await expect(countShared(options)).resolves.toBe(n);
    }
    const refused = countShared({ counter: sharingCounterFile(path), maxShared: 3 });
    await expect(refused).rejects.toMatchObject({ code: 'SHARING_REFUSED' });
  });

  test('two that count at once count both', async () => {
    const path = join(folder, 'both');
    const counters = [sharingCounterFile(path), sharingCounterFile(path)];
    const counts = await Promise.all(
      Array.from({ length: 40 }, (_, i) => counters[i % 2]!.increment()),
    );
    expect(Math.max(...counts)).toBe(40);
    expect(statSync(path).size).toBe(40);
  });

  test('what cannot be counted is not shared', async () => {
    const nowhere = sharingCounterFile(join(folder, 'no', 'such', 'folder'));
    await expect(countShared({ counter: nowhere })).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
    });
  });
});
