/** Mark the inputs that `--public-input` names. */
import { CipherloomError } from '../../errors.ts';
import { textOf } from '../../ir/attribute-values.ts';
import { rewriteProgram } from '../../ir/build.ts';
import type { Program } from '../../ir/program.ts';

/** The program with these inputs public. Throws USAGE for a name that no input has. */
export function markPublicInputs(program: Program, names: readonly string[]): Program {
  if (names.length === 0) return program;
  const inputs = program.operations
    .filter(({ op }) => op === 'nn.input')
    .map((operation) => textOf(operation, 'name'));
  const unknown = names.find((name) => !inputs.includes(name));
  if (unknown !== undefined) {
    throw new CipherloomError(
      'USAGE',
      `--public-input ${unknown}: the model has no such input; it has ${inputs.join(', ')}`,
      {
        phase: 'nn',
        node: unknown,
        details: { inputs },
        hint: inputs.map((name) => `--public-input ${name}`).join(' or '),
      },
    );
  }
  return rewriteProgram(program, (operation, _, { builder, keep }) => {
    const { op, attributes, location } = operation;
    if (op !== 'nn.input' || !names.includes(textOf(operation, 'name'))) return keep();
    return builder.add(op, [], { ...attributes, public: true }, { location });
  });
}
