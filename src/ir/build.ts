/** Building programs: every operation added is checked, typed and bounded. */
import { CipherloomError, invariant } from '../errors.ts';
import type { OpContext } from './define-op.ts';
import { lookupOp } from './ops.ts';
import { constantOf, constantReferences } from './program.ts';
import type { Attributes, Modulus, Operation, Program, ProgramOutput, ValueId } from './program.ts';
import type { Tensor } from './tensor.ts';
import type { Range, Type } from './types.ts';

export interface AddOptions {
  /** Name of the ONNX node. */
  readonly location?: string | null;
  /** Narrower bounds than the operator's own interval rule gives. */
  readonly range?: Range | null;
}

export interface ProgramBuilder {
  /** Append an operation; returns its value. */
  add(
    op: string,
    operands: readonly ValueId[],
    attributes: Attributes,
    options?: AddOptions,
  ): ValueId;
  /** Add a constant and return its reference; the hint becomes its name, with a number if taken. */
  constant(value: Tensor, hint: string): string;
  constantValue(reference: string): Tensor;
  typeOf(value: ValueId): Type;
  /** State tighter bounds of a value already made; returns the value. */
  narrow(value: ValueId, range: Range): ValueId;
  operation(value: ValueId): Operation;
  finish(outputs: readonly ProgramOutput[]): Program;
}

/** Context in which rules of an operation run. */
export function opContext(
  constants: ReadonlyMap<string, Tensor>,
  modulus: Modulus | null,
  location: string | null,
): OpContext {
  return { constant: (reference) => constantOf(constants, reference), modulus, location };
}

/** Start a program; `from` supplies constants, modulus and public part to keep. */
export function buildProgram(
  name: string,
  from?: Partial<Pick<Program, 'constants' | 'modulus' | 'publicPart'>>,
): ProgramBuilder {
  const operations: Operation[] = [];
  const constants = new Map(from?.constants ?? []);
  const modulus = from?.modulus ?? null;
  const publicPart = from?.publicPart;
  const taken = (constantName: string): boolean =>
    constants.has(constantName) || publicPart?.constants.has(constantName) === true;
  const typeOf = (value: ValueId): Type => {
    const operation = operations[value];
    invariant(operation !== undefined, `value %${value} is used before it is made`);
    return operation.type;
  };
  return {
    add(op, operands, attributes, options = {}) {
      const location = options.location ?? null;
      const operation = typedOperation(
        op,
        operands,
        attributes,
        operands.map(typeOf),
        constants,
        modulus,
        location,
      );
      const type =
        options.range === undefined ? operation.type : narrow(operation.type, options.range);
      operations.push({ ...operation, type });
      return operations.length - 1;
    },
    constant(value, hint) {
      const base = hint.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 60) || 'c';
      let constantName = base;
      for (let n = 1; taken(constantName); n++) constantName = `${base}.${n}`;
      constants.set(constantName, value);
      return `@${constantName}`;
    },
    constantValue: (reference) => constantOf(constants, reference),
    typeOf,
    narrow(value, range) {
      const operation = operations[value];
      invariant(operation !== undefined, `value %${value} does not exist`);
      operations[value] = { ...operation, type: narrow(operation.type, range) };
      return value;
    },
    operation(value) {
      const operation = operations[value];
      invariant(operation !== undefined, `value %${value} does not exist`);
      return operation;
    },
    finish(outputs) {
      const program = { name, operations, outputs, constants, modulus };
      return withoutUnused(publicPart === undefined ? program : { ...program, publicPart });
    },
  };
}

function narrow(type: Type, range: Range | null): Type {
  if (range === null || type.range === null) return { ...type, range };
  const lo = Math.max(range.lo, type.range.lo);
  const hi = Math.min(range.hi, type.range.hi);
  // Bounds of one point may miss each other by a rounding; the rule's own hold for certain.
  if (lo > hi) return type;
  // A proof that is tighter than what was seen stays a proof.
  const source = lo === type.range.lo && hi === type.range.hi ? type.range.source : range.source;
  return { ...type, range: { lo, hi, source } };
}

/** Check an operation against its declaration and give it its type and proved range. */
export function typedOperation(
  op: string,
  operands: readonly ValueId[],
  attributes: Attributes,
  operandTypes: readonly Type[],
  constants: ReadonlyMap<string, Tensor>,
  modulus: Modulus | null,
  location: string | null,
): Operation {
  const definition = lookupOp(op);
  const parsed = definition.attributes.safeParse(attributes);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new CipherloomError(
      'IR_INVALID',
      `${op}: attribute ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? 'invalid'}`,
      { phase: 'ir', node: location ?? undefined, details: { op } },
    );
  }
  const wanted = definition.operands.length;
  if (definition.variadic === true ? operands.length < wanted : operands.length !== wanted) {
    throw new CipherloomError(
      'IR_INVALID',
      `${op} takes ${wanted} operands, not ${operands.length}`,
      {
        phase: 'ir',
        node: location ?? undefined,
      },
    );
  }
  const context = opContext(constants, modulus, location);
  const form = definition.infer(operandTypes, attributes, context);
  return { op, operands: [...operands], attributes, type: { ...form, range: rangeOf() }, location };

  function rangeOf(): Range | null {
    if (operandTypes.some((type) => type.range === null)) return null;
    const [lo, hi] = definition.range(operandTypes, attributes, context);
    if (!Number.isFinite(lo) || !Number.isFinite(hi)) return null;
    const calibrated = operandTypes.some((type) => type.range?.source === 'calibrated');
    const source = operandTypes.length === 0 ? 'declared' : calibrated ? 'calibrated' : 'proved';
    return { lo, hi, source };
  }
}

/**
 * Drop operations that no output needs (inputs stay, but for public ones) and constants that no
 * operation names.
 */
export function withoutUnused(program: Program): Program {
  const live = program.operations.map(
    ({ op, attributes }) => op.endsWith('.input') && attributes['public'] !== true,
  );
  for (const output of program.outputs) live[output.value] = true;
  for (let id = program.operations.length - 1; id >= 0; id--) {
    if (live[id] === true)
      for (const operand of program.operations[id]?.operands ?? []) live[operand] = true;
  }
  const renumbered = new Map<ValueId, ValueId>();
  const operations: Operation[] = [];
  program.operations.forEach((operation, id) => {
    if (live[id] !== true) return;
    renumbered.set(id, operations.length);
    operations.push({
      ...operation,
      operands: operation.operands.map((operand) => renumbered.get(operand) ?? -1),
    });
  });
  const named = new Set(
    operations.flatMap((operation) =>
      Object.values(operation.attributes).flatMap(constantReferences),
    ),
  );
  const constants = new Map([...program.constants].filter(([name]) => named.has(`@${name}`)));
  const outputs = program.outputs.map((output) => ({
    ...output,
    value: renumbered.get(output.value) ?? -1,
  }));
  return { ...program, operations, outputs, constants };
}

/** What a rewrite step may do with one operation. */
export interface Rewriter {
  readonly builder: ProgramBuilder;
  readonly program: Program;
  /** The new value of an old one. */
  readonly mapped: (value: ValueId) => ValueId;
  /** Copy the operation unchanged, with its range. */
  readonly keep: () => ValueId;
}

/**
 * Rebuild a program operation by operation.
 *
 * `step` returns the new value that stands for the old one (which may be an operand's).
 */
export function rewriteProgram(
  program: Program,
  step: (operation: Operation, id: ValueId, rewriter: Rewriter) => ValueId,
  modulus: Modulus | null = program.modulus,
): Program {
  const builder = buildProgram(program.name, { ...program, modulus });
  const values = new Map<ValueId, ValueId>();
  const mapped = (value: ValueId): ValueId => {
    const now = values.get(value);
    invariant(now !== undefined, `value %${value} was not rewritten`);
    return now;
  };
  program.operations.forEach((operation, id) => {
    const keep = (): ValueId =>
      builder.add(operation.op, operation.operands.map(mapped), operation.attributes, {
        location: operation.location,
        range: operation.type.range,
      });
    values.set(id, step(operation, id, { builder, program, mapped, keep }));
  });
  return builder.finish(
    program.outputs.map((output) => ({ ...output, value: mapped(output.value) })),
  );
}
