/** Move softmax, arg max and top k at the outputs to the client. */
import { withoutUnused } from '../ir/build.ts';
import { operationOf } from '../ir/program.ts';
import type { Operation, Program, ProgramOutput } from '../ir/program.ts';
import { leavesIndices } from '../layout/postprocess.ts';
import type { PostprocessStep } from '../layout/postprocess.ts';
import { numberOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import { unsupportedNodes } from './unsupported-nodes.ts';

type StepOf = (operation: Operation) => PostprocessStep;

const along =
  (op: PostprocessStep['op']): StepOf =>
  (operation) => ({ op, axis: numberOf(operation, 'axis') });

const reducing =
  (op: PostprocessStep['op']): StepOf =>
  (operation) => ({ ...along(op)(operation), keepDims: operation.attributes.keepDims === true });

/** Operators that need comparisons or divisions, as steps of the client. */
const steps: Readonly<Record<string, StepOf>> = {
  'nn.arg-max': reducing('argMax'),
  'nn.arg-min': reducing('argMin'),
  'nn.hardmax': along('hardmax'),
  'nn.log-softmax': along('logSoftmax'),
  'nn.softmax': along('softmax'),
  'nn.top-k': (operation) => ({
    ...along(operation.attributes.result === 'values' ? 'topValues' : 'topIndices')(operation),
    count: numberOf(operation, 'count'),
    smallest: operation.attributes.smallest === true,
  }),
};

export default definePass({
  name: 'split-postprocess',
  summary: 'Move softmax, arg max and top k at the outputs to the client.',
  phase: 'nn',
  run(program) {
    const split = withoutUnused({
      ...program,
      outputs: program.outputs.map((output) => splitOutput(program, output)),
    });
    const inside = split.operations.filter(({ op }) => steps[op] !== undefined);
    if (inside.length > 0) {
      throw unsupportedNodes(
        inside,
        'comparisons and divisions run on the client, after the last encrypted operation',
        'export the model up to these nodes, or without them',
      );
    }
    return split;
  },
});

function splitOutput(program: Program, output: ProgramOutput): ProgramOutput {
  const operation = operationOf(program, output.value);
  const step = steps[operation.op]?.(operation);
  const [value] = operation.operands;
  if (step === undefined || value === undefined) return output;
  const following = output.postprocess[0];
  if (following !== undefined && leavesIndices(step)) {
    throw unsupportedNodes(
      [operation],
      `its indices are the argument of ${following.op}`,
      'keep it as the last operator of the output',
    );
  }
  return splitOutput(program, { ...output, value, postprocess: [step, ...output.postprocess] });
}
