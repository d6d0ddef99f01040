/** What a client does with decrypted outputs, in PyTorch. */
import type { Operation, ProgramOutput } from '../../ir/program.ts';
import type { PostprocessStep } from '../../layout/postprocess.ts';
import { pythonBoolean } from './python-literals.ts';
import { notInTorch } from './refuse.ts';

/** All steps of an output, as an expression of a variable. Throws MODEL_UNSUPPORTED. */
export function answerExpression(
  { postprocess }: ProgramOutput,
  made: Operation,
): (variable: string) => string {
  for (const step of postprocess) stepExpression(step, '', made);
  return (variable) => postprocess.reduce((x, step) => stepExpression(step, x, made), variable);
}

function stepExpression(step: PostprocessStep, x: string, made: Operation): string {
  const { op, axis } = step;
  const keep = `keepdim=${pythonBoolean(step.keepDims === true)}`;
  switch (op) {
    case 'softmax':
      return `torch.softmax(${x}, dim=${axis})`;
    case 'logSoftmax':
      return `torch.log_softmax(${x}, dim=${axis})`;
    case 'argMax':
      return `torch.argmax(${x}, dim=${axis}, ${keep})`;
    case 'argMin':
      return `torch.argmin(${x}, dim=${axis}, ${keep})`;
    case 'topValues':
    case 'topIndices': {
      const largest = pythonBoolean(step.smallest !== true);
      const result = op === 'topValues' ? 'values' : 'indices';
      return `torch.topk(${x}, ${step.count ?? 1}, dim=${axis}, largest=${largest}).${result}`;
    }
    case 'hardmax':
      throw notInTorch(
        made,
        'the hardmax behind it has no way back to ONNX',
        'export the network without its last Hardmax; the class is where the output is largest',
      );
  }
}
