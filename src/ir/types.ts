/** Types of values: they carry everything a pass asks about a value, so nothing can go stale. */
import { samePlaces } from '../layout/layout.ts';
import type { Layout } from '../layout/layout.ts';
import { equal, log2, toText } from './rational.ts';
import type { Rational } from './rational.ts';

/** Bounds of the elements of a value (unused slots apart: their bound stands in the layout). */
export interface Range {
  readonly lo: number;
  readonly hi: number;
  /**
   * How the bounds are known: `declared` for inputs, `proved` by interval and norm bounds over the
   * declared inputs, `calibrated` as the largest value seen times a margin.
   */
  readonly source: 'declared' | 'proved' | 'calibrated';
}

/** A tensor in the clear: dialect nn. */
export interface TensorType {
  readonly kind: 'tensor';
  readonly shape: readonly number[];
  readonly range: Range | null;
}

/** A tensor laid out in vectors of slots: dialect packed. */
export interface VectorType {
  readonly kind: 'vector';
  readonly layout: Layout;
  readonly range: Range | null;
}

/** A vector of ciphertexts: dialect ckks. Level and scale are null before they are chosen. */
export interface CiphertextType {
  readonly kind: 'ciphertext';
  readonly layout: Layout;
  readonly range: Range | null;
  /** Polynomials of each ciphertext: 2, or 3 between a multiplication and relinearisation. */
  readonly size: 2 | 3;
  /** Rescales left plus the base: residues modulo q_0 … q_level are present. */
  readonly level: number | null;
  readonly scale: Rational | null;
}

export type Type = TensorType | VectorType | CiphertextType;

/** Largest magnitude of the elements of a value, Infinity where nothing is known. */
export function magnitude(range: Range | null): number {
  return range === null ? Infinity : Math.max(Math.abs(range.lo), Math.abs(range.hi));
}

/** Largest magnitude of any slot of a packed value, unused slots included. */
export function slotMagnitude(type: VectorType | CiphertextType): number {
  const unused = type.layout.unused.kind === 'zero' ? 0 : type.layout.unused.bound;
  return Math.max(magnitude(type.range), unused);
}

/** Shape of one image of a value of any type. */
export function shapeOf(type: Type): readonly number[] {
  return type.kind === 'tensor' ? type.shape : type.layout.shape;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Equality of types, ranges aside: a range is knowledge about a value, not part of its form. */
export function sameType(a: Type, b: Type): boolean {
  if (a.kind === 'tensor' || b.kind === 'tensor') {
    return a.kind === 'tensor' && b.kind === 'tensor' && sameShape(a.shape, b.shape);
  }
  if (a.kind !== b.kind || !samePlaces(a.layout, b.layout)) return false;
  if (JSON.stringify(a.layout.unused) !== JSON.stringify(b.layout.unused)) return false;
  if (a.kind === 'vector' || b.kind === 'vector') return true;
  const sameScale =
    a.scale === null || b.scale === null ? a.scale === b.scale : equal(a.scale, b.scale);
  return a.size === b.size && a.level === b.level && sameScale;
}

/** A type in words, for error messages. */
export function describeType(type: Type): string {
  const shape = `[${shapeOf(type).join(',')}]`;
  if (type.kind === 'tensor') return `tensor ${shape}`;
  if (type.kind === 'vector')
    return `vector ${shape} in ${type.layout.ciphertexts} × ${type.layout.slots} slots`;
  const scale =
    type.scale === null ? '?' : `2^${log2(type.scale).toFixed(3)} (${toText(type.scale)})`;
  return `ciphertext ${shape} ×${type.layout.ciphertexts}, level ${type.level ?? '?'}, size ${type.size}, scale ${scale}`;
}
