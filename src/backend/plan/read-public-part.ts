/** Reads what a plan has the server compute in the clear: types follow from the operators. */
import { CipherloomError } from '../../errors.ts';
import { buildProgram } from '../../ir/build.ts';
import { nnOps } from '../../ir/nn/index.ts';
import type { Program } from '../../ir/program.ts';
import { isPublicInput } from '../../ir/public-values.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { decodeAttributes } from './attributes.ts';
import type { PlanMessage } from './message.ts';
import { readConstants } from './read-constants.ts';

/** Elements of all public values of an image together: 512 MiB. */
const maxElements = 2 ** 26;

const names = new Map(nnOps.map((op) => [op.code, op.name]));

/** Throws PLAN_INVALID naming the operation. */
export function readPublicPart(
  name: string,
  message: NonNullable<PlanMessage['publicPart']>,
  numbers: readonly Float64Array<ArrayBuffer>[],
): Program {
  const constants = readConstants(message.constants, numbers);
  const values = { layouts: [], constants: [...constants.keys()] };
  const builder = buildProgram(name, { constants });
  let elements = 0;
  message.operations.forEach(({ code, operands, attributes, location = null }, id) => {
    const what = `public operation ${id}`;
    const op = names.get(code);
    if (op === undefined) return refuse(what, `has the unknown code ${code}`);
    if (operands.some((operand) => operand >= id)) {
      return refuse(what, `(${op}) reads an operation that does not come before it`);
    }
    try {
      builder.add(op, operands, decodeAttributes(attributes, values, what), { location });
    } catch (cause) {
      if (cause instanceof CipherloomError && cause.code === 'PLAN_INVALID') throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      return refuse(what, `(${op}) breaks a rule: ${reason}`, cause);
    }
    elements += elementCount(shapeOf(builder.typeOf(id)));
    if (elements > maxElements) {
      refuse(
        what,
        `(${op}) makes ${elements} elements with those before, more than ${maxElements}`,
      );
    }
    if (op === 'nn.input' && !isPublicInput(builder.operation(id))) {
      refuse(what, 'is an input that is not public');
    }
  });
  const count = message.operations.length;
  for (const output of message.outputs) {
    if (output.value >= count) {
      refuse(`public value "${output.name}"`, `is operation ${output.value} of ${count}`);
    }
  }
  return builder.finish(
    message.outputs.map((output) => ({ name: output.name, value: output.value, postprocess: [] })),
  );
}

function refuse(what: string, reason: string, cause?: unknown): never {
  throw new CipherloomError('PLAN_INVALID', `plan: ${what} ${reason}`, {
    phase: 'plan',
    node: what,
    hint: 'compile the model again',
    cause,
  });
}
