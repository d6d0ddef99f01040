/** Values of a program, and the type of every method; `methods/` holds what they do. */
import type { ActivationName, activationFunctions } from '../../ir/nn/activation-functions.ts';
import type { Constant, Nested, Operand, Shaped, ShapeOf, TensorLiteral } from './operand.ts';
import type {
  Broadcast,
  Broadcasts,
  Filled,
  Joins,
  Multiplies,
  OfRank,
  Permuted,
  Plane,
  Product,
  Reversed,
  Shape,
  WithAxis,
  WithChannels,
  Without,
  WithoutLast,
  WithPlane,
} from './shapes.ts';

/** Padding of a window: none, as much as keeps the extents at stride 1, or rows per side. */
export type Padding = 'valid' | 'same' | number | readonly [number, number];

/** One number for both axes, or one for rows and one for columns. */
export type Pair = number | readonly [number, number];

export interface ConvOptions {
  /** 'valid' where absent. */
  readonly padding?: Padding;
  readonly stride?: Pair;
  readonly dilation?: Pair;
  /** Groups of channels; only with a kernel [maps, channels / groups, height, width]. */
  readonly groups?: number;
  /** One number per map. */
  readonly bias?: Constant;
}

export interface PoolOptions {
  readonly padding?: Padding;
  /** The size of the window where absent. */
  readonly stride?: Pair;
  /** Whether padding counts as elements of value 0. */
  readonly countPadding?: boolean;
}

export interface ReduceOptions {
  /** Whether reduced axes stay with extent 1. */
  readonly keepDims?: boolean;
}

/** Matrix or stack of kernels: a literal, or a tensor of any rank. */
type Weights = Nested | Shaped | TensorLiteral;

/** Parameters of an activation, by name. */
type ActivationParameters<Name extends ActivationName> =
  string extends keyof (typeof activationFunctions)[Name]['parameters']
    ? []
    : [
        parameters: {
          readonly [P in keyof (typeof activationFunctions)[Name]['parameters']]: number;
        },
      ];

/** Every activation function is a method. */
export type Activations = {
  readonly [Name in ActivationName]: <S extends Shape>(
    this: Shaped<S>,
    ...parameters: ActivationParameters<Name>
  ) => Value<S>;
};

/** Spatial extents behind a window: kept with padding 'same' and stride 1, else known when built. */
type Windowed<S extends Shape, O> = O extends { readonly padding: 'same' }
  ? O extends { readonly stride: Pair }
    ? WithPlane<S, number, number>
    : WithPlane<S, Plane<S>[0], Plane<S>[1]>
  : WithPlane<S, number, number>;

/** Channels behind a convolution: a plane for each channel, or the maps of the kernel. */
type Convolved<S extends Shape, K, O> =
  ShapeOf<K> extends readonly [infer Maps extends number, number, number, number]
    ? WithChannels<Windowed<S, O>, Maps>
    : Windowed<S, O>;

/** Axes given as literals, or `number` where they are not. */
type Axes<A> = A extends readonly number[] ? A[number] : A extends number ? A : number;

type Reduced<S extends Shape, A, O> = [A] extends [undefined]
  ? O extends { readonly keepDims: true }
    ? { -readonly [K in keyof S]: 1 }
    : []
  : O extends { readonly keepDims: true }
    ? { -readonly [K in keyof S]: number }
    : Without<S, Axes<A>>;

type Image<S extends Shape> = OfRank<
  S,
  2 | 3 | 4,
  'an image: [height, width], [channels, height, width] or [batch, …]'
>;

type Kernel<S extends Shape> = OfRank<
  S,
  2 | 4,
  'a kernel: [height, width] or [maps, channels, height, width]'
>;

type Axis = number | readonly number[] | undefined;

/** Behind a matrix: a vector keeps its rank, as with numpy. */
type Through<S extends Shape, M extends Shape> = S extends readonly [number]
  ? M extends readonly [number, infer N extends number]
    ? [N]
    : number[]
  : Product<S, M>;

/**
 * The methods of a value. S, the shape of the value itself, is found from `this`: so a value of
 * known shape may stand where one of any shape is wanted.
 */
export interface Methods extends Activations {
  add<S extends Shape, const O extends Operand>(
    this: Shaped<S>,
    other: O & Broadcasts<S, ShapeOf<O>>,
  ): Value<Broadcast<S, ShapeOf<O>>>;
  sub<S extends Shape, const O extends Operand>(
    this: Shaped<S>,
    other: O & Broadcasts<S, ShapeOf<O>>,
  ): Value<Broadcast<S, ShapeOf<O>>>;
  mul<S extends Shape, const O extends Operand>(
    this: Shaped<S>,
    other: O & Broadcasts<S, ShapeOf<O>>,
  ): Value<Broadcast<S, ShapeOf<O>>>;
  div<S extends Shape, const O extends Operand>(
    this: Shaped<S>,
    divisor: O & Broadcasts<S, ShapeOf<O>>,
  ): Value<Broadcast<S, ShapeOf<O>>>;
  neg<S extends Shape>(this: Shaped<S>): Value<S>;
  square<S extends Shape>(this: Shaped<S>): Value<S>;
  pow<S extends Shape>(this: Shaped<S>, exponent: number): Value<S>;
  polynomial<S extends Shape>(this: Shaped<S>, coefficients: readonly number[]): Value<S>;

  matmul<S extends Shape, const O extends Weights>(
    this: Shaped<S>,
    matrix: O & Multiplies<S, ShapeOf<O>>,
  ): Value<Through<S, ShapeOf<O>>>;
  dense<S extends Shape, const O extends Weights>(
    this: Shaped<S>,
    weights: O & Multiplies<S, ShapeOf<O>>,
    bias?: Constant,
  ): Value<Through<S, ShapeOf<O>>>;
  linear<S extends Shape, const O extends Weights>(
    this: Shaped<S>,
    weights: O & Multiplies<S, Reversed<ShapeOf<O>>>,
    bias?: Constant,
  ): Value<Through<S, Reversed<ShapeOf<O>>>>;

  conv2d<S extends Shape, const K extends Weights, const O extends ConvOptions = ConvOptions>(
    this: Shaped<S>,
    kernel: K & Kernel<ShapeOf<K>> & Image<S>,
    options?: O,
  ): Value<Convolved<S, K, O>>;
  avgPool2d<S extends Shape>(
    this: Shaped<S>,
    size: Pair & Image<S>,
    options?: PoolOptions,
  ): Value<WithPlane<S, number, number>>;

  sum<
    S extends Shape,
    const A extends Axis = undefined,
    const O extends ReduceOptions = ReduceOptions,
  >(
    this: Shaped<S>,
    axes?: A,
    options?: O,
  ): Value<Reduced<S, A, O>>;
  mean<
    S extends Shape,
    const A extends Axis = undefined,
    const O extends ReduceOptions = ReduceOptions,
  >(
    this: Shaped<S>,
    axes?: A,
    options?: O,
  ): Value<Reduced<S, A, O>>;

  roll<S extends Shape>(this: Shaped<S>, shift: number, axis: number): Value<S>;
  slice<S extends Shape, const A extends number>(
    this: Shaped<S>,
    axis: A,
    start: number,
    end?: number,
    step?: number,
  ): Value<WithAxis<S, A, number>>;
  concat<S extends Shape, T extends Shape, const A extends number>(
    this: Shaped<S>,
    other: Shaped<T> & Joins<S, T, A>,
    axis: A,
  ): Value<WithAxis<S, A, number>>;
  reshape<const T extends Shape>(this: Shaped, shape: T): Value<Filled<T>>;
  flatten(this: Shaped): Value<[number]>;
  transpose<S extends Shape>(this: Shaped<S>): Value<Reversed<S>>;
  transpose<S extends Shape, const P extends Shape>(
    this: Shaped<S>,
    order: P,
  ): Value<Permuted<S, P>>;
  pad<S extends Shape>(
    this: Shaped<S>,
    pads: readonly (readonly [before: number, behind: number])[],
    value?: number,
  ): Value<{ -readonly [K in keyof S]: number }>;
  repeat<S extends Shape, const A extends number>(
    this: Shaped<S>,
    count: number,
    axis: A,
  ): Value<WithAxis<S, A, number>>;
  tile<S extends Shape>(
    this: Shaped<S>,
    counts: readonly number[],
  ): Value<{ -readonly [K in keyof S]: number }>;
  expand<S extends Shape, const T extends Shape>(
    this: Shaped<S>,
    shape: T & Broadcasts<S, T>,
  ): Value<Broadcast<S, T>>;

  softmax<S extends Shape>(this: Shaped<S>, axis?: number): Value<S>;
  logSoftmax<S extends Shape>(this: Shaped<S>, axis?: number): Value<S>;
  argMax<S extends Shape>(this: Shaped<S>): Value<WithoutLast<S>>;
  argMax<S extends Shape, const A extends number>(this: Shaped<S>, axis: A): Value<Without<S, A>>;
}

/** A tensor of the program that is being written; its methods make new ones. */
export interface Value<out S extends Shape = Shape> extends Shaped<S>, Methods {}

/** Names of the methods; `methods/index.ts` declares each of them. */
export type MethodName = keyof Methods;
