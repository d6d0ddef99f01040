/** An ONNX model as the importers see it: plain data, names in Maps, tensors read on demand. */
import type { Tensor } from '../../ir/tensor.ts';
import type { ElementType } from './element-types.ts';

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** Name of the element type, also of those that cannot be read. */
  readonly elementType: string;
  /**
   * The elements as doubles; int64 beyond 2^53 is rounded (only "to the end" markers are so large).
   *
   * Infinities are read: constant arithmetic may use them (masks, bounds of Clip); they are refused
   * where a constant meets data. Throws MODEL_INVALID for data that does not fit the dims, NaN, and
   * external data that cannot be had, MODEL_UNSUPPORTED for other element types.
   */
  read(): { readonly tensor: Tensor; readonly elementType: ElementType };
}

/**
 * Value of an attribute; `reference` names an attribute of the function that the node stands in,
 * `other` is a graph, a type or a sparse tensor.
 */
export type OnnxAttribute =
  | { readonly kind: 'float' | 'int'; readonly value: number }
  | { readonly kind: 'floats' | 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'reference'; readonly value: string }
  | { readonly kind: 'other'; readonly value: string };

export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** Empty for the operators of ONNX itself. */
  readonly domain: string;
  /** Names; empty where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
  /** Opset of ONNX itself that it is written for, where that is not the model's. */
  readonly opset?: number;
}

/** An operator that the model defines by a graph of its own. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that a call may give, with their values where it does not. */
  readonly attributes: ReadonlyMap<string, OnnxAttribute | null>;
  readonly nodes: readonly OnnxNode[];
  /** Opset version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** Null for values that are not tensors. */
  readonly elementType: string | null;
  /** Extents; a name or null for those that are not fixed. Null where the rank is unknown. */
  readonly dims: readonly (number | string | null)[] | null;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Shapes that the file states for inner values. */
  readonly valueInfo: readonly OnnxValueInfo[];
}

export interface OnnxModel {
  readonly irVersion: number;
  /** Opset version by domain; the domain of ONNX itself is empty. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly documentation: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: OnnxGraph;
  readonly functions: readonly OnnxFunction[];
}
