/** Values that the server knows in the clear: what of a program makes and reads them. */
import type { InputForm } from '../layout/client-plan.ts';
import input from './nn/input.ts';
import { operationOf } from './program.ts';
import type { Operation, Program, ValueId } from './program.ts';

/** Whether an operation is an input that the server knows. */
export function isPublicInput({ op, attributes }: Operation): boolean {
  return op === 'nn.input' && attributes['public'] === true;
}

/** The public value that an operation reads by name, or null. */
export function publicValueRead(operation: Operation): string | null {
  const { op, attributes } = operation;
  const { name, value } = attributes;
  if (isPublicInput(operation) && typeof name === 'string') return name;
  const reads = op.endsWith('.add-public') || op.endsWith('.multiply-public');
  return reads && typeof value === 'string' ? value : null;
}

/** Per value of an nn program, whether it depends on public inputs (and constants) alone. */
export function publicFlags(program: Program): boolean[] {
  const flags: boolean[] = [];
  for (const operation of program.operations) {
    const { operands } = operation;
    flags.push(
      isPublicInput(operation) ||
        (operands.length > 0 && operands.every((operand) => flags[operand] === true)),
    );
  }
  return flags;
}

/** A value that an elementwise operation of two operands takes from the server. */
export interface PublicOperand {
  /** The other operand. */
  readonly x: ValueId;
  readonly value: string;
  readonly range: readonly [number, number];
}

/** The public operand of an operation of two operands, or null where both are encrypted. */
export function publicOperand(program: Program, { operands }: Operation): PublicOperand | null {
  const at = operands.findIndex((operand) => isPublicInput(operationOf(program, operand)));
  const x = operands[1 - at];
  if (at < 0 || operands.length !== 2 || x === undefined) return null;
  const { name, range } = inputAttributes(operationOf(program, operands[at] ?? -1));
  return { x, value: name, range };
}

/**
 * The inputs of an nn program that data are given for: once public values are split off, not these
 * but what they are made of.
 */
export function givenInputs({ operations, publicPart }: Program): Operation[] {
  const own = operations.filter(
    (operation) =>
      operation.op === 'nn.input' && (publicPart === undefined || !isPublicInput(operation)),
  );
  return [...own, ...(publicPart?.operations.filter(isPublicInput) ?? [])];
}

/** The public inputs of a program that was split. */
export function publicInputs({ publicPart }: Program): InputForm[] {
  return (publicPart?.operations ?? []).filter(isPublicInput).map(inputAttributes);
}

function inputAttributes({ attributes }: Operation): InputForm {
  const { name, shape, range } = input.attributes.parse(attributes);
  return { name, shape, range };
}

/** The bounds that a program relies on, by public value: of several readers' the tightest. */
export function publicRanges({ operations }: Program): Map<string, readonly [number, number]> {
  const ranges = new Map<string, readonly [number, number]>();
  for (const operation of operations) {
    const name = publicValueRead(operation);
    if (name === null) continue;
    const [lo, hi] = operation.attributes['range'] as unknown as readonly [number, number];
    const [low, high] = ranges.get(name) ?? [lo, hi];
    ranges.set(name, [Math.max(lo, low), Math.min(hi, high)]);
  }
  return ranges;
}
