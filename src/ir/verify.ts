/** The verifier: every rule that a program of any dialect must hold. */
import { textOf } from './attribute-values.ts';
import { CipherloomError, InternalError } from '../errors.ts';
import { typedOperation } from './build.ts';
import { constantReferences, operationOf } from './program.ts';
import type { Program } from './program.ts';
import { isPublicInput, publicValueRead } from './public-values.ts';
import { describeType, sameShape, sameType, shapeOf } from './types.ts';

/**
 * Check a program: operands come first, attributes fit their schema, every type is the one its
 * operator infers, outputs and constants exist, names are unique.
 *
 * Throws IR_INVALID naming the operation.
 */
export function verify(program: Program): void {
  const fail = (id: number | null, reason: string): never => {
    const operation = id === null ? undefined : program.operations[id];
    const where = operation === undefined ? program.name : `%${String(id)} = ${operation.op}`;
    throw new CipherloomError('IR_INVALID', `${where}: ${reason}`, {
      phase: 'ir',
      node: operation?.location ?? undefined,
    });
  };
  /** What a pass could not break is a broken invariant there, and a fault of the text here. */
  const ruled = <T>(id: number, rule: () => T): T => {
    try {
      return rule();
    } catch (error) {
      if (!(error instanceof InternalError)) throw error;
      return fail(id, error.message);
    }
  };
  const dialects = new Set(program.operations.map((operation) => operation.op.split('.')[0]));
  if (dialects.size > 1) fail(null, `mixes the dialects ${[...dialects].join(', ')}`);
  const inputNames = new Set<string>();
  program.operations.forEach((operation, id) => {
    for (const operand of operation.operands) {
      if (!Number.isInteger(operand) || operand < 0 || operand >= id) {
        fail(id, `operand %${operand} does not come before it`);
      }
    }
    for (const reference of Object.values(operation.attributes).flatMap(constantReferences)) {
      if (!program.constants.has(reference.slice(1)))
        fail(id, `constant ${reference} does not exist`);
    }
    const operandTypes = operation.operands.map((operand) => {
      const type = program.operations[operand]?.type;
      return type ?? fail(id, `operand %${operand} has no type`);
    });
    const typed = ruled(id, () =>
      typedOperation(
        operation.op,
        operation.operands,
        operation.attributes,
        operandTypes,
        program.constants,
        program.modulus,
        operation.location,
      ),
    );
    if (!sameType(typed.type, operation.type)) {
      fail(
        id,
        `has type ${describeType(operation.type)}, its rule gives ${describeType(typed.type)}`,
      );
    }
    const range = operation.type.range;
    if (range !== null && !(range.lo <= range.hi))
      fail(id, `has the empty range [${range.lo}, ${range.hi}]`);
    if (operation.op.endsWith('.input')) {
      const name = textOf(operation, 'name');
      if (inputNames.has(name)) fail(id, `input "${name}" is declared twice`);
      inputNames.add(name);
    }
  });
  verifyPublic(program, inputNames, fail);
  const outputNames = new Set<string>();
  for (const { name, value } of program.outputs) {
    if (program.operations[value] === undefined) fail(null, `output "${name}" names no value`);
    if (outputNames.has(name)) fail(null, `output "${name}" is declared twice`);
    outputNames.add(name);
  }
}

/** The public part is a program of its own on tensors, and makes every public value that is read. */
function verifyPublic(
  program: Program,
  inputNames: ReadonlySet<string>,
  fail: (id: number | null, reason: string) => never,
): void {
  const { publicPart } = program;
  if (publicPart !== undefined) {
    verify(publicPart);
    if (publicPart.publicPart !== undefined) fail(null, 'its public part has a public part');
    const foreign = publicPart.operations.find(({ op }) => !op.startsWith('nn.'));
    if (foreign !== undefined) fail(null, `its public part holds ${foreign.op}`);
    for (const operation of publicPart.operations) {
      if (operation.op !== 'nn.input') continue;
      const name = textOf(operation, 'name');
      if (!isPublicInput(operation)) fail(null, `its public part reads "${name}", not public`);
      if (inputNames.has(name)) fail(null, `input "${name}" is declared twice`);
    }
  }
  const shapes = new Map(
    publicPart?.outputs.map(({ name, value }) => [name, operationOf(publicPart, value).type]),
  );
  program.operations.forEach((operation, id) => {
    const name = publicValueRead(operation);
    if (name === null || (publicPart === undefined && operation.op === 'nn.input')) return;
    const made = shapes.get(name);
    if (made === undefined) return fail(id, `nothing computes the public value "${name}"`);
    const shape = shapeOf(operation.type);
    if (!sameShape(shapeOf(made), shape)) {
      fail(id, `the public value "${name}" is [${shapeOf(made).join()}], not [${shape.join()}]`);
    }
  });
}
