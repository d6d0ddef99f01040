import { describe, expect, it } from 'vitest';
import { alignValues } from '../../../src/cli/protocol/layers/align-values.ts';
import { firstWrongLayer, layerError } from '../../../src/cli/protocol/layers/layer-errors.ts';
import type { LayerRuns } from '../../../src/cli/protocol/layers/layer-errors.ts';
import { randomSource, randomValues } from '../../support/random.ts';

const random = randomSource(1);
const model = Array.from({ length: 4 }, () => randomValues(random, 32));
const each = (compute: (value: number, element: number) => number): Float64Array[] =>
  model.map((image) => image.map(compute));

describe('alignValues', () => {
  it('takes equal values for what they are', () => {
    const values = each((value) => value + 1e-6 * random());
    expect(alignValues(values, model, 2)?.kind).toBe('equal');
  });

  it('finds a factor', () => {
    const alignment = alignValues(
      each((value) => 3 * value),
      model,
      2,
    );
    expect(alignment?.kind).toBe('scaled');
    expect(alignment?.apply(3, 0)).toBeCloseTo(1, 12);
  });

  it('finds a factor and an offset of each channel', () => {
    const alignment = alignValues(
      each((value, element) => (element < 16 ? 3 * value + 1 : -value)),
      model,
      2,
    );
    expect(alignment?.kind).toBe('by channel');
    expect(alignment?.apply(4, 3)).toBeCloseTo(1, 12);
    expect(alignment?.apply(-1, 20)).toBeCloseTo(1, 12);
  });

  it('fits no channel of which it saw too little', () => {
    const alignment = alignValues(
      each((value, element) => value + element),
      model,
      32,
    );
    expect(alignment?.kind).not.toBe('by channel');
  });

  it('compares no values of different sizes', () => {
    expect(alignValues([new Float64Array(3)], [new Float64Array(4)], 1)).toBeNull();
    expect(alignValues([], [], 1)).toBeNull();
  });
});

describe('layerError', () => {
  const runs = (own: Partial<LayerRuns>): LayerRuns => ({
    node: 'relu',
    op: 'relu',
    shape: [1, 2, 16],
    encrypted: model,
    clear: model,
    simulated: model,
    encoded: model,
    original: model,
    escaped: model.map(() => false),
    ...own,
  });

  it('gives each part its name', () => {
    const sign = (element: number): number => (element % 2 === 0 ? 1 : -1);
    const error = layerError(
      runs({
        encoded: each((value, e) => value + 3e-4 * sign(e)),
        encrypted: each((value, e) => value + 5e-4 * sign(e)),
        simulated: each((value, e) => value + 6e-4 * sign(e)),
      }),
    );
    const size = Math.hypot(...model.flatMap((image) => [...image])) / Math.sqrt(4 * 32);
    expect(error.encoding).toBeCloseTo(3e-4 / size, 12);
    // 3, 4, 5: what is measured is encoding and noise, independent of each other.
    expect(error.noise).toBeCloseTo(4e-4 / size, 12);
    expect(error.predicted).toBeCloseTo(6e-4 / size, 12);
    expect(error).toMatchObject({ approximation: 0, rangeEscape: 0, aligned: 'equal' });
  });

  it('tells images that escaped from those that did not', () => {
    const off = model.map((image, k) => (k === 2 ? image.map((value) => -9 * value) : image));
    const escaped = model.map((_, k) => k === 2);
    const error = layerError(runs({ clear: off, encrypted: off, simulated: off, escaped }));
    expect(error.escapedImages).toBe(1);
    expect(error.rangeEscape).toBeGreaterThan(0.1);
    expect(error.rangeEscape).toBeGreaterThan(2 * (error.approximation ?? Infinity));
    expect(firstWrongLayer([layerError(runs({})), error], 0.1)).toMatchObject({
      node: 'relu',
      cause: 'range escape',
    });
  });

  it('names noise that is larger than the noise model says', () => {
    const error = layerError(
      runs({
        encrypted: each((value) => value + 1e-3),
        simulated: each((value) => value + 1e-4),
      }),
    );
    expect(firstWrongLayer([error], 0.25)).toMatchObject({ node: 'relu', cause: 'noise' });
    const fine = layerError(
      runs({
        encrypted: each((value) => value + 1e-4),
        simulated: each((value) => value + 1e-4),
      }),
    );
    expect(firstWrongLayer([fine], 0.25)).toBeNull();
  });

  it('says nothing of a model that has no such value', () => {
    expect(layerError(runs({ original: null }))).toMatchObject({
      aligned: null,
      approximation: null,
      rangeEscape: null,
      total: null,
    });
  });
});
