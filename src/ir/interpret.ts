/** The one interpreter: runs a program of any dialect in the clear. */
import { textOf } from './attribute-values.ts';
import { CipherloomError, invariant } from '../errors.ts';
import { opContext } from './build.ts';
import type { Value } from './define-op.ts';
import { lookupOp } from './ops.ts';
import type { Operation, Program, ValueId } from './program.ts';
import type { Tensor } from './tensor.ts';

export interface InterpretOptions {
  /** Called with every value as it is made (calibration, simulation, diffs). */
  readonly observe?: (id: ValueId, operation: Operation, value: Value) => void;
  /** Replaces a value after it is made: the noise model. */
  readonly perturb?: (id: ValueId, operation: Operation, value: Value) => Value;
}

/**
 * The inputs of a program, and the public values that its public part computes from them.
 *
 * Throws INPUT_INVALID for a missing public input.
 */
export function withPublicValues(
  { publicPart }: Program,
  inputs: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  if (publicPart === undefined) return inputs;
  return new Map([...inputs, ...interpret(publicPart, inputs)]);
}

/**
 * Run a program on one set of inputs.
 *
 * Inputs and outputs are by name: tensors for nn programs, slot vectors for packed and ckks ones;
 * public inputs are tensors always, the same for every image of a batch.
 * Values are released after their last use. Throws INPUT_INVALID for a missing input.
 */
export function interpret(
  program: Program,
  given: ReadonlyMap<string, Value>,
  options: InterpretOptions = {},
): Map<string, Value> {
  const inputs = withPublicValues(program, given);
  const publicValue = (name: string): Tensor => {
    const value = inputs.get(name);
    invariant(value?.kind === 'tensor', `the public value "${name}" is computed`);
    return value.tensor;
  };
  const lastUse = new Int32Array(program.operations.length).fill(-1);
  program.operations.forEach((operation, id) => {
    for (const operand of operation.operands) lastUse[operand] = id;
  });
  for (const output of program.outputs) lastUse[output.value] = program.operations.length;

  const values: (Value | undefined)[] = [];
  program.operations.forEach((operation, id) => {
    const operands = operation.operands.map((operand) => {
      const value = values[operand];
      invariant(value !== undefined, `value %${operand} is not alive at %${id}`);
      return value;
    });
    let value: Value;
    if (operation.op.endsWith('.input')) {
      const name = textOf(operation, 'name');
      const input = inputs.get(name);
      if (input === undefined) {
        throw new CipherloomError('INPUT_INVALID', `input "${name}" is missing`, {
          node: name,
          details: { given: [...given.keys()] },
        });
      }
      value = input;
    } else {
      const types = operation.operands.map((operand) => {
        const type = program.operations[operand]?.type;
        invariant(type !== undefined, `value %${operand} has no type`);
        return type;
      });
      const context = {
        ...opContext(program.constants, program.modulus, operation.location),
        publicValue,
      };
      const definition = lookupOp(operation.op);
      value = definition.evaluate(operands, types, operation.attributes, context);
    }
    if (options.perturb !== undefined) value = options.perturb(id, operation, value);
    options.observe?.(id, operation, value);
    values[id] = value;
    for (const operand of operation.operands)
      if (lastUse[operand] === id) values[operand] = undefined;
  });
  return new Map(
    program.outputs.map(({ name, value }) => {
      const result = values[value];
      invariant(result !== undefined, `output "${name}" was not computed`);
      return [name, result];
    }),
  );
}
