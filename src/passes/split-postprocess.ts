/** Move softmax and arg max at the outputs to the client. */
import { withoutUnused } from '../ir/build.ts';
import { operationOf } from '../ir/program.ts';
import type { Program, ProgramOutput } from '../ir/program.ts';
import type { PostprocessStep } from '../layout/client-plan.ts';
import { numberOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import { unsupportedNodes } from './unsupported-nodes.ts';

/** Operators that need comparisons or divisions, and the client's name for them. */
const steps: Readonly<Record<string, PostprocessStep['op']>> = {
  'nn.arg-max': 'argMax',
  'nn.log-softmax': 'logSoftmax',
  'nn.softmax': 'softmax',
};

export default definePass({
  name: 'split-postprocess',
  summary: 'Move softmax and arg max at the outputs to the client.',
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
  const { op, operands, attributes } = operation;
  const step = steps[op];
  const [value] = operands;
  if (step === undefined || value === undefined) return output;
  const axis = numberOf(operation, 'axis');
  const { keepDims } = attributes;
  const first: PostprocessStep =
    step === 'argMax' ? { op: step, axis, keepDims: keepDims === true } : { op: step, axis };
  return splitOutput(program, { ...output, value, postprocess: [first, ...output.postprocess] });
}
