import { describe, expect, it } from 'vitest';
import splitPostprocess from '../../src/passes/split-postprocess.ts';
import { runPass } from '../support/pass-context.ts';
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
