/** Declaration of an importer: how one ONNX operator becomes operations of the nn dialect. */
import type { z } from 'zod';
import type { Attributes, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Refusal } from './known-operators.ts';
import type { ElementType } from './onnx/element-types.ts';
import type { Quantisation } from './families/quantisation.ts';

/** A value known at compile time. */
export interface ConstantValue {
  readonly kind: 'constant';
  readonly tensor: Tensor;
  readonly elementType: ElementType;
}

/** A value that is encrypted when the program runs. */
export interface DataValue {
  readonly kind: 'data';
  readonly value: ValueId;
  readonly shape: readonly number[];
  /** The integers that stand for the value in the model, behind QuantizeLinear; nothing else sets it. */
  readonly quantised?: Quantisation | undefined;
}

export type NodeValue = ConstantValue | DataValue;

export interface InputSpec {
  readonly name: string;
  readonly doc: string;
  /** What the importer can take: weights are constants, data is encrypted, `either` is both. */
  readonly form: 'data' | 'constant' | 'either';
  readonly optional?: boolean;
  /** First opset that has the input. */
  readonly since?: number;
  /** Whether a constant may hold infinities. */
  readonly infinite?: boolean;
  /** Whether data may stand for integers (see `DataValue.quantised`). */
  readonly quantised?: boolean;
}

export interface AttributeSpec<T> {
  /** Absent attributes are parsed as undefined: say `.default(…)` or `.optional()`. */
  readonly schema: z.ZodType<T>;
  readonly doc: string;
  /** First opset that has the attribute. */
  readonly since?: number;
  /** Last opset that has it. */
  readonly until?: number;
}

export type AttributeSpecs = Readonly<Record<string, AttributeSpec<unknown>>>;

export type AttributeValues<S> = {
  readonly [K in keyof S]: S[K] extends AttributeSpec<infer T> ? T : never;
};

/** Declare an attribute. */
export function attribute<T>(
  schema: z.ZodType<T>,
  doc: string,
  versions: { readonly since?: number; readonly until?: number } = {},
): AttributeSpec<T> {
  return { schema, doc, ...versions };
}

/** The node that is being imported, and the program it goes to. */
export interface ImportContext<S extends AttributeSpecs = AttributeSpecs> {
  /** Printable name of the node. */
  readonly name: string;
  readonly opset: number;
  readonly attributes: AttributeValues<S>;
  /** Every input; undefined where an optional one is left out. */
  readonly inputs: readonly (NodeValue | undefined)[];
  /** Number of outputs that the node names. */
  readonly outputCount: number;
  /** An input that the declaration calls data, or that is known to be. */
  data(index: number): DataValue;
  /** An input that the declaration calls constant, or that is known to be. */
  constant(index: number): ConstantValue;
  optionalConstant(index: number): ConstantValue | null;
  /** Proved bounds of the elements, null where nothing is known. */
  rangeOf(x: DataValue): { readonly lo: number; readonly hi: number } | null;
  /** Append an operation of the nn dialect. */
  add(op: string, operands: readonly DataValue[], attributes?: Attributes): DataValue;
  /** Add a constant to the program and return its reference. */
  reference(value: Tensor, hint: string): string;
  /** Number of elements of a result, before it is made. Throws RESOURCE_LIMIT. */
  elements(shape: readonly number[]): number;
  /** Count the entries of a matrix, of which a model may have so many. Throws RESOURCE_LIMIT. */
  entries(count: number): void;
  /** The node needs more of something than there may be. Throws RESOURCE_LIMIT. */
  tooLarge(reason: string, size: number, limit: number): never;
  /** The node cannot be compiled: say why, and what to do about it. */
  unsupported(reason: string, wayOut?: string): never;
  /** The node breaks a rule of ONNX. Throws MODEL_INVALID. */
  invalid(reason: string, details?: Readonly<Record<string, unknown>>): never;
}

export interface Importer<S extends AttributeSpecs = AttributeSpecs> {
  /** Name of the ONNX operator. */
  readonly operator: string;
  readonly summary: string;
  readonly inputs: readonly InputSpec[];
  /** The last input may be repeated. */
  readonly variadic?: boolean;
  readonly attributes: S;
  /** What it becomes in the nn dialect, in words. */
  readonly lowersTo: string;
  /** Limits and conditions, a sentence each. */
  readonly notes?: readonly string[];
  /** Why an encrypted value in the place of a constant is refused, where more can be said. */
  readonly refusal?: Refusal;
  /** The first output, or one value for each output that the importer makes. */
  import(context: ImportContext<S>): NodeValue | readonly NodeValue[];
  /**
   * The result (or results) where every input is constant and the operator does not work on real numbers alone
   * (integer division, shapes). Without it, the node is imported as data and interpreted.
   */
  fold?(context: ImportContext<S>): ConstantValue | readonly ConstantValue[];
}

/** Declare an importer. */
export function defineImporter<S extends AttributeSpecs>(importer: Importer<S>): Importer<S> {
  return importer;
}

/** An importer as the table holds it: its attributes are known by their schemas alone. */
export function importerEntry<S extends AttributeSpecs>(importer: Importer<S>): Importer {
  // Attributes are parsed by these very schemas before `import` runs, so forgetting them is safe.
  return importer;
}
