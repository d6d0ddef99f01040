import { describe, expect, it } from 'vitest';
import { parseProgram } from '../../src/ir/parse.ts';
import { printProgram } from '../../src/ir/print.ts';
import splitPostprocess from '../../src/passes/split-postprocess.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';

describe('split-postprocess', () => {
  it('moves several steps in a row to the client, in their order', () => {
    const before = writeProgram(({ input, dense, add }) => {
      const x = dense(input([1, 4]), 4, 3);
      const soft = add('nn.softmax', [x], { axis: 1 });
      return [add('nn.arg-max', [soft], { axis: 1, keepDims: true }), soft, x];
    });
    const { program } = runPass(splitPostprocess, before);
    expect(opsOf(program)).toEqual(['input', 'dense']);
    expect(program.outputs).toEqual([
      {
        name: 'y0',
        value: 1,
        postprocess: [
          { op: 'softmax', axis: 1 },
          { op: 'argMax', axis: 1, keepDims: true },
        ],
      },
      { name: 'y1', value: 1, postprocess: [{ op: 'softmax', axis: 1 }] },
      { name: 'y2', value: 1, postprocess: [] },
    ]);
  });

  it('gives both outputs of a top k, of the softmax in front of it too', () => {
    const before = writeProgram(({ input, dense, add }) => {
      const soft = add('nn.softmax', [dense(input([1, 4]), 4, 5)], { axis: 1 });
      const top = { axis: 1, count: 3, smallest: false };
      return [
        add('nn.top-k', [soft], { ...top, result: 'values' }),
        add('nn.top-k', [soft], { ...top, result: 'indices' }),
        add('nn.arg-min', [add('nn.hardmax', [soft], { axis: 1 })], { axis: 1, keepDims: false }),
      ];
    });
    const { program } = runPass(splitPostprocess, before);
    expect(opsOf(program)).toEqual(['input', 'dense']);
    expect(program.outputs.map(({ postprocess }) => postprocess)).toEqual([
      [
        { op: 'softmax', axis: 1 },
        { op: 'topValues', axis: 1, count: 3, smallest: false },
      ],
      [
        { op: 'softmax', axis: 1 },
        { op: 'topIndices', axis: 1, count: 3, smallest: false },
      ],
      [
        { op: 'softmax', axis: 1 },
        { op: 'hardmax', axis: 1 },
        { op: 'argMin', axis: 1, keepDims: false },
      ],
    ]);
    expectSameAnswers(before, program, 1, 1e-12);
    expect(printProgram(parseProgram(printProgram(program), program.constants))).toBe(
      printProgram(program),
    );
  });

  it('refuses steps behind indices', () => {
    const before = writeProgram(({ input, dense, add }) => {
      const best = add('nn.arg-max', [dense(input([1, 4]), 4, 5)], { axis: 1, keepDims: true });
      return [add('nn.softmax', [best], { axis: 1 })];
    });
    expect(() => runPass(splitPostprocess, before)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        node: 'arg-max1',
        message: expect.stringContaining('its indices are the argument of softmax') as string,
      }),
    );
  });

  it('refuses them elsewhere, all at once', () => {
    const before = writeProgram(({ input, dense, add }) => {
      const soft = add('nn.softmax', [dense(input([1, 4]), 4, 3)], { axis: 1 });
      const log = add('nn.log-softmax', [dense(soft, 3, 3)], { axis: 1 });
      return [dense(log, 3, 2)];
    });
    expect(() => runPass(splitPostprocess, before)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        details: {
          nodes: [
            expect.objectContaining({ name: 'softmax1', operator: 'nn.softmax' }),
            expect.objectContaining({ name: 'log-softmax3', operator: 'nn.log-softmax' }),
          ],
        },
      }),
    );
  });
});
