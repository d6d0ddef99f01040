import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../src/ir/program.ts';
import lowerPooling from '../../src/passes/lower-pooling.ts';
import { calibrationOf } from '../support/calibration.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';

const plain: Attributes = {
  kernelShape: [2, 2],
  strides: [2, 2],
  dilations: [1, 1],
  pads: [0, 0, 0, 0],
  ceilMode: false,
};

function pooled(op: string, attributes: Attributes): ReturnType<typeof writeProgram> {
  return writeProgram(({ input, add }) => [add(op, [input([1, 2, 5, 5])], attributes)]);
}

describe('lower-pooling', () => {
  it.each([
    { name: 'no padding', attributes: { ...plain, countIncludePad: false }, op: 'conv' },
    {
      name: 'padding that counts',
      attributes: { ...plain, pads: [1, 1, 0, 0], countIncludePad: true },
      op: 'conv',
    },
    {
      name: 'padding that does not count',
      attributes: { ...plain, pads: [1, 1, 0, 0], countIncludePad: false },
      op: 'average-pool',
    },
    {
      name: 'a last window that only partly fits',
      attributes: { ...plain, ceilMode: true, countIncludePad: false },
      op: 'average-pool',
    },
    {
      name: 'a ceiling that changes nothing',
      attributes: { ...plain, strides: [1, 1], ceilMode: true, countIncludePad: false },
      op: 'conv',
    },
    {
      name: 'dilation',
      attributes: { ...plain, dilations: [2, 2], strides: [1, 1], countIncludePad: false },
      op: 'conv',
    },
  ])('with $name makes an average pool a $op', ({ attributes, op }) => {
    const before = pooled('nn.average-pool', attributes);
    const { program, warnings } = runPass(lowerPooling, before);
    expect(opsOf(program)).toEqual(['input', op]);
    expectSameAnswers(before, program, 1, 2e-7);
    expect(warnings).toEqual([]);
  });

  it('refuses max pools, all of them at once, and says what to type', () => {
    const before = writeProgram(({ input, add }) => [
      add('nn.max-pool', [add('nn.max-pool', [input([1, 1, 8, 8])], plain)], plain),
    ]);
    expect(() => runPass(lowerPooling, before)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        details: {
          nodes: [
            expect.objectContaining({ name: 'max-pool0', operator: 'nn.max-pool' }),
            expect.objectContaining({ name: 'max-pool1', operator: 'nn.max-pool' }),
          ],
        },
        hint: expect.stringContaining('--max-pool average') as string,
      }),
    );
  });

  it.each([
    { pads: [0, 0, 0, 0], op: 'conv' },
    { pads: [1, 1, 1, 1], op: 'average-pool' },
  ])('averages a max pool with pads $pads when asked, with a warning', ({ pads, op }) => {
    const before = pooled('nn.max-pool', { ...plain, pads });
    const { program, warnings } = runPass(lowerPooling, before, { maxPool: 'average' });
    expect(opsOf(program)).toEqual(['input', op]);
    const average = pooled('nn.average-pool', { ...plain, pads, countIncludePad: false });
    expectSameAnswers(average, program, 1, 2e-7);
    expect(warnings).toMatchObject([{ id: 'MAX_POOL_AVERAGED', node: 'max-pool0' }]);
  });

  it('says what averages cost, where there is data', () => {
    const before = pooled('nn.max-pool', plain);
    const { calibration } = calibrationOf(before, 16);
    const { warnings } = runPass(lowerPooling, before, { maxPool: 'average' }, calibration);
    const cost = warnings.filter(({ node }) => node === undefined);
    expect(cost).toHaveLength(1);
    expect(cost[0]!.message).toMatch(
      /^averages in the place of maxima: on 16 calibration images [\d.]+ % of the answers stay the same, outputs move by \d\d\.\d % /,
    );
  });

  it.each([
    { kernelShape: [2, 2], strides: [2, 2], dilations: [1, 1] },
    { kernelShape: [3, 2], strides: [1, 2], dilations: [1, 1] },
    { kernelShape: [2, 2], strides: [1, 1], dilations: [2, 3] },
  ])('writes a max pool of $kernelShape as maxima of two', (window) => {
    const before = pooled('nn.max-pool', { ...plain, ...window });
    const { program, warnings } = runPass(lowerPooling, before, { maxPool: 'polynomial' });
    expectSameAnswers(before, program, 1, 1e-12);
    expect(warnings).toEqual([]);
    const [rows = 1, columns = 1] = window.kernelShape;
    const maxima = program.operations.filter(({ op }) => op === 'nn.activation');
    expect(maxima).toHaveLength(rows * columns - 1);
    expect(new Set(maxima.map(({ location }) => location)).size).toBe(maxima.length);
  });

  it('writes no maxima of windows that reach beyond the input', () => {
    const before = pooled('nn.max-pool', { ...plain, pads: [1, 1, 1, 1] });
    expect(() => runPass(lowerPooling, before, { maxPool: 'polynomial' })).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }),
    );
  });
});
