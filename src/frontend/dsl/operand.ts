/** What may stand beside a value: numbers, nested arrays, typed arrays, tensors and other values. */
import type { Plain, Shape } from './shapes.ts';

/** Something with a shape: a value of the program, or a tensor in row-major order. */
export interface Shaped<S extends Shape = Shape> {
  readonly shape: S;
}

/** A tensor in row-major order, as `readNpy` returns it. */
export interface TensorLiteral<S extends Shape = Shape> extends Shaped<S> {
  readonly data: ArrayLike<number>;
}

export type Nested = readonly (number | Nested)[];

/** A constant: a number, numbers in nested arrays, a typed array, or a tensor. */
export type Constant = number | Nested | Float32Array | Float64Array | TensorLiteral;

/** A constant or a value of the program. */
export type Operand = Constant | Shaped;

/** The shape of an operand. */
export type ShapeOf<O> = O extends number
  ? []
  : O extends Shaped<infer S>
    ? Plain<S>
    : O extends Float32Array | Float64Array
      ? [number]
      : O extends readonly unknown[]
        ? NestedShape<O>
        : number[];

type NestedShape<O extends readonly unknown[]> = O[0] extends readonly unknown[]
  ? [O['length'], ...NestedShape<O[0]>]
  : [O['length']];
