/**
 * Shapes as types: extents that are literals are compared by the compiler, all others are `number`
 * and compared when the program is built.
 */

export type Shape = readonly number[];

/** The same tuple without `readonly`, which reads better in an editor. */
export type Plain<S extends Shape> = { -readonly [K in keyof S]: S[K] };

/** What stands in the place of an argument that does not fit; the editor shows its text. */
export interface Mismatch<Reason extends string> {
  readonly 'does not fit': Reason;
}

/** Whether the rank is known. */
type HasRank<S extends Shape> = number extends S['length'] ? false : true;

type Text<S extends Shape> = S extends readonly [
  infer First extends number,
  ...infer Rest extends Shape,
]
  ? Rest['length'] extends 0
    ? `${First}`
    : `${First}, ${Text<Rest>}`
  : '';

/** The extent of two extents together by the rules of numpy; never where they do not fit. */
type Together<A extends number, B extends number> = [A] extends [B]
  ? number extends B
    ? [A] extends [1]
      ? number
      : A
    : A
  : [B] extends [A]
    ? [B] extends [1]
      ? number
      : B
    : [A] extends [1]
      ? B
      : [B] extends [1]
        ? A
        : never;

type BroadcastTuples<
  A extends Shape,
  B extends Shape,
  Tail extends Shape = [],
> = A extends readonly [...infer AI extends Shape, infer AN extends number]
  ? B extends readonly [...infer BI extends Shape, infer BN extends number]
    ? BroadcastTuples<AI, BI, [Together<AN, BN>, ...Tail]>
    : [...A, ...Tail]
  : [...B, ...Tail];

/** Shape of an elementwise operation on two values. */
export type Broadcast<A extends Shape, B extends Shape> = [HasRank<A>, HasRank<B>] extends [
  true,
  true,
]
  ? BroadcastTuples<Plain<A>, Plain<B>>
  : number[];

/** Whether some extent is `never`. */
type HasNever<S extends Shape> = S extends readonly [infer First, ...infer Rest extends Shape]
  ? [First] extends [never]
    ? true
    : HasNever<Rest>
  : false;

/** Nothing where two shapes broadcast, else the reason. */
export type Broadcasts<A extends Shape, B extends Shape> =
  HasNever<Broadcast<A, B>> extends true
    ? Mismatch<`[${Text<A>}] and [${Text<B>}] do not broadcast`>
    : unknown;

/** Whether two extents may be equal. */
type Fits<A extends number, B extends number> = number extends A | B
  ? true
  : [A] extends [B]
    ? true
    : false;

/** Nothing where […, k] multiplies [k, n], else the reason. */
export type Multiplies<A extends Shape, B extends Shape> = A extends readonly [
  ...Shape,
  infer K extends number,
]
  ? B extends readonly [infer L extends number, number]
    ? Fits<K, L> extends true
      ? unknown
      : Mismatch<`[${Text<A>}] does not multiply [${Text<B>}]: ${K} columns, ${L} rows`>
    : unknown
  : unknown;

/** Shape of […, k] times [k, n]. */
export type Product<A extends Shape, B extends Shape> = A extends readonly [
  ...infer Outer extends [number, ...number[]],
  number,
]
  ? B extends readonly [number, infer N extends number]
    ? [...Outer, N]
    : number[]
  : number[];

/** Nothing where the rank is one of `Ranks`, else the reason. */
export type OfRank<
  S extends Shape,
  Ranks extends number,
  Wanted extends string,
> = number extends S['length']
  ? unknown
  : S['length'] extends Ranks
    ? unknown
    : Mismatch<`[${Text<S>}] is not ${Wanted}`>;

/** The shape with one axis replaced; all extents unknown where the axis counts from the end. */
export type WithAxis<S extends Shape, Axis extends number, Extent extends number> =
  HasRank<S> extends true
    ? `${Axis}` extends keyof S
      ? { -readonly [K in keyof S]: K extends `${Axis}` ? Extent : S[K] }
      : { -readonly [K in keyof S]: number }
    : number[];

type SameBut<
  A extends Shape,
  B extends Shape,
  Axis extends number,
  Done extends Shape = [],
> = A extends readonly [infer X extends number, ...infer AR extends Shape]
  ? B extends readonly [infer Y extends number, ...infer BR extends Shape]
    ? Done['length'] extends Axis
      ? SameBut<AR, BR, Axis, [...Done, 0]>
      : Fits<X, Y> extends true
        ? SameBut<AR, BR, Axis, [...Done, 0]>
        : false
    : false
  : B['length'] extends 0
    ? true
    : false;

/** Nothing where two shapes agree in every axis but one, else the reason. */
export type Joins<A extends Shape, B extends Shape, Axis extends number> = [
  HasRank<A>,
  HasRank<B>,
  number extends Axis ? false : `${Axis}` extends `-${string}` ? false : true,
] extends [true, true, true]
  ? SameBut<A, B, Axis> extends true
    ? unknown
    : Mismatch<`[${Text<B>}] does not join [${Text<A>}] along axis ${Axis}`>
  : unknown;

/** The shape without some axes; its rank unknown where they are no literals or count from the end. */
export type Without<S extends Shape, Axes extends number> = [
  HasRank<S>,
  number extends Axes ? false : `${Axes}` extends `-${string}` ? false : true,
] extends [true, true]
  ? Drop<Plain<S>, Axes>
  : number[];

type Drop<S extends Shape, Axes extends number, Done extends Shape = []> = S extends readonly [
  infer First extends number,
  ...infer Rest extends Shape,
]
  ? Done['length'] extends Axes
    ? Drop<Rest, Axes, [...Done, 0]>
    : [First, ...Drop<Rest, Axes, [...Done, 0]>]
  : [];

/** The shape without its last axis. */
export type WithoutLast<S extends Shape> = S extends readonly [...infer Outer extends Shape, number]
  ? Plain<Outer>
  : number[];

/** The shape with the axes in another order. */
export type Permuted<S extends Shape, Order extends Shape> =
  HasRank<S> extends true
    ? {
        -readonly [K in keyof Order]: `${Order[K] & number}` extends keyof S
          ? S[`${Order[K] & number}` & keyof S] & number
          : number;
      }
    : number[];

/** The shape the other way around. */
export type Reversed<S extends Shape> =
  HasRank<S> extends true
    ? S extends readonly [infer First extends number, ...infer Rest extends Shape]
      ? [...Reversed<Rest>, First]
      : []
    : number[];

/** The shape with the extents of its last two axes replaced, as windows do. */
export type WithPlane<S extends Shape, H extends number, W extends number> = S extends readonly [
  ...infer Outer extends Shape,
  number,
  number,
]
  ? [...Outer, H, W]
  : number[];

/** The last two extents. */
export type Plane<S extends Shape> = S extends readonly [
  ...Shape,
  infer H extends number,
  infer W extends number,
]
  ? [H, W]
  : [number, number];

/** The shape [batch,] channels, plane with other channels; a plane alone has one channel. */
export type WithChannels<S extends Shape, C extends number> = S extends readonly [
  infer N extends number,
  number,
  infer H extends number,
  infer W extends number,
]
  ? [N, C, H, W]
  : S extends readonly [number, infer H extends number, infer W extends number]
    ? [C, H, W]
    : S extends readonly [infer H extends number, infer W extends number]
      ? [C] extends [1]
        ? [H, W]
        : number[]
      : number[];

/** Extents of a literal; −1, which is filled in, is not known. */
export type Filled<S extends Shape> = {
  -readonly [K in keyof S]: `${S[K] & number}` extends `-${string}` ? number : S[K];
};
